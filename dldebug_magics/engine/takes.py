"""What a callable takes, read from its signature: the user's `forward`, their loss."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

from torch import nn

Takes = dict[str, inspect.Parameter]
_known: weakref.WeakKeyDictionary[Any, tuple[Takes | None, Takes | None]] = weakref.WeakKeyDictionary()  # as function, as method


def forward_of(model: nn.Module) -> Callable[..., Any]:
    """The user's own `forward`, also behind a compiled or a parallel model."""
    inner = getattr(model, "_orig_mod", None) or (model.module if isinstance(model, nn.parallel.DataParallel) else None)
    return model.forward if inner is None else forward_of(inner)


def required(takes: Takes | None, unknown: int) -> int:
    """How many arguments must be given; `unknown` where that can't be read."""
    return unknown if takes is None else sum(p.default is p.empty for p in takes.values())


def parameters(function: Callable[..., Any] | None) -> Takes | None:
    """The named parameters of a callable; None where it takes anything (`*args`, `**kwargs`) or can't be read.

    Read once for each function: a signature costs as much as a small layer.
    """
    plain = getattr(function, "__func__", function)
    if not inspect.isfunction(plain):
        return _read(function)
    if plain not in _known:
        takes = _read(plain)
        _known[plain] = takes, None if takes is None else dict(list(takes.items())[1:])
    return _known[plain][plain is not function]


def _read(function: Callable[..., Any] | None) -> Takes | None:
    if function is None:
        return None
    try:
        named = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    anything = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in named.values())
    return None if anything else dict(named)
