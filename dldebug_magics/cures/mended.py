"""A torch call that raises, done otherwise: what the user would write in that line, while all calls that go well stay as they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from torch.overrides import TorchFunctionMode

from ..engine.nested import mapped, tensors
from ..engine.subject import Subject
from ..instruments.calls import name_of

Change = Callable[..., Any]  # of the original function and its arguments


class Mending(TorchFunctionMode):
    """While active, a call of the named functions that raises is made again by `change`."""

    def __init__(self, names: frozenset[str], change: Change):
        super().__init__()
        self.names, self.change = names, change

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords = kwargs or {}
        try:
            return function(*args, **keywords)
        except Exception:
            if name_of(function) not in self.names:
                raise
        return self.change(function, *args, **keywords)


def mended(names: Iterable[str], change: Change) -> Callable[[Subject], Subject]:
    """The cure that does those calls otherwise where they raise, in forward pass and loss."""
    context = lambda: Mending(frozenset(names), change)  # noqa: E731 (entered anew for every pass)
    return lambda subject: dataclasses.replace(subject, around=(*subject.around, context))


def as_the_second(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """The change that gives the first of two tensors the shape of the second."""
    first, second = list(tensors((args, kwargs)))[:2]
    args, kwargs = (mapped(given, lambda t: t.reshape(second.shape) if t is first else t) for given in (args, kwargs))
    return function(*args, **kwargs)
