"""One torch function done differently while a forward pass and its loss run: the door through which most cures go.

It sees modules and functional forms alike, so a cure need not know how the user wrote the call. Calls are counted as `Calls` counts them:
the how-manieth call of that name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch.overrides import TorchFunctionMode

from ..engine.subject import Subject
from ..instruments.calls import name_of

Change = Callable[..., Any]  # of the original function and its arguments


class Rewrite(TorchFunctionMode):
    """While active, calls of the named functions go through `change`; with an index only that one call does, and never the spared one."""

    def __init__(self, names: frozenset[str], change: Change, index: int | None = None, spared: int | None = None):
        super().__init__()
        self.names, self.change, self.index, self.spared, self.count = names, change, index, spared, 0

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords = kwargs or {}
        if name_of(function) not in self.names:
            return function(*args, **keywords)
        chosen = self.index in (None, self.count) and self.spared != self.count
        self.count += 1
        return self.change(function, *args, **keywords) if chosen else function(*args, **keywords)


def rewritten(
    subject: Subject, names: frozenset[str] | set[str], change: Change, index: int | None = None, *, spared: int | None = None
) -> Subject:
    """The subject with those calls changed in every forward pass and loss."""
    context = lambda: Rewrite(frozenset(names), change, index, spared)  # noqa: E731 (a fresh count for every pass)
    return dataclasses.replace(subject, around=(*subject.around, context))


def left_out(function: Callable, tensor: Any, *args: Any, **kwargs: Any) -> Any:
    """The change that leaves a call out: its first argument is its result."""
    return tensor
