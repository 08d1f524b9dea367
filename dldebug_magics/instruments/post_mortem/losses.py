"""The call of a loss: a module's, one of torch's functions, or a function of the user's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn import functional

from .called import Called, called, named_around, rebinds
from .marks import Mark


def loss_call(mark: Mark) -> Called:
    """What was called as the loss, with the arguments that are no defaults; `what` is None where the function can't be found."""
    frame = mark.frame
    if isinstance(mark.owner, nn.Module):
        return called(mark.owner, mark)
    name, function = _function(mark)
    given = called(function, mark)
    places = [parameter for parameter in frame.f_code.co_varnames[: frame.f_code.co_argcount] if parameter != "self"]
    defaults = {name: p.default for name, p in inspect.signature(function).parameters.items()} if function is not None else {}
    values = dict(zip(places, given.arguments, strict=False))
    needed = [name for name in places if defaults.get(name, inspect.Parameter.empty) is inspect.Parameter.empty]
    changed = {name: value for name, value in values.items() if name not in needed and not _same(value, defaults[name])}
    return Called(function, tuple(values[name] for name in needed), changed, name, not rebinds(frame.f_code, {*needed}))


def _function(mark: Mark) -> tuple[str, Callable[..., Any] | None]:
    """The function that runs in a frame, and the user's word for it."""
    code = mark.frame.f_code
    own = getattr(functional, code.co_name, None)
    if getattr(own, "__code__", None) is code:
        return f"F.{code.co_name}", own
    for name, value in named_around(mark):
        if getattr(value, "__code__", None) is code:
            return name, value
    return "", None


def _same(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, (int, float, str, bool)) and value == default)
