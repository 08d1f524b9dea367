"""Half precision at its limit: the largest number that a pass makes in float16, and the first call whose result only float16 can't hold.

Gradients that reach a float16 result are watched as well; the hooks are the graph's and go with it.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..engine.nested import mapped, tensors
from .calls import name_of
from .module_path import ModulePath
from .source_lines import running_line, where

_CASTS = ("half", "to", "type", "type_as")


class HalfValues(TorchFunctionMode):
    """`with HalfValues(model) as halves: ...`; `largest` is None where nothing is computed in float16, `overflow` is (call, place).

    `backward_overflow` is the first such call, on the way back, whose float16 result gets an infinite gradient.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.largest: float | None = None
        self.overflow: tuple[str, str] | None = None
        self.backward_overflow: tuple[str, str] | None = None
        self.path = ModulePath(model)

    def __enter__(self) -> HalfValues:
        self.path.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.path.__exit__(*error)
        super().__exit__(*error)

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = function(*args, **(kwargs or {}))
        made = [t for t in tensors(result) if t.dtype is torch.float16 and t.numel()] if isinstance(result, (Tensor, tuple)) else []
        for tensor in made:
            size = float(tensor.detach().abs().max())
            self.largest = max(self.largest or 0.0, size)
            call = name_of(function), where(self.path.current, running_line(2))
            if size == float("inf") and self.overflow is None and _held_by_float32(function, args, kwargs or {}):
                self.overflow = call
            if tensor.requires_grad:
                tensor.register_hook(functools.partial(self._on_the_way_back, call))
        return result

    def _on_the_way_back(self, call: tuple[str, str], gradient: Tensor) -> None:
        if self.backward_overflow is None and bool(torch.isinf(gradient).any()):
            self.backward_overflow = call


def _held_by_float32(function: Callable, args: tuple, kwargs: dict) -> bool:
    """Whether the same call on the same, finite numbers is finite in float32: no logarithm of 0, and no victim of an earlier call."""
    given = [t for t in tensors((args, kwargs)) if t.is_floating_point()]
    if not all(bool(torch.isfinite(t).all()) for t in given):
        return False
    if all(t.dtype is not torch.float16 for t in given) and name_of(function) in _CASTS:
        return True
    with torch.no_grad(), without_autocast():
        replayed = function(*mapped(args, as_float32), **mapped(kwargs, as_float32))
    return all(bool(torch.isfinite(t).all()) for t in tensors(replayed) if t.is_floating_point())


def as_float32(tensor: Tensor) -> Tensor:
    """The same numbers in float32 where they were in float16."""
    return tensor.float() if tensor.dtype is torch.float16 else tensor


@contextlib.contextmanager
def without_autocast() -> Iterator[None]:
    """What runs inside keeps the precision of what it is given."""
    with (
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False) if torch.cuda.is_available() else contextlib.nullcontext(),
    ):
        yield
