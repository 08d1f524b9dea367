"""Sums, differences and products of small whole numbers that went over the end of their kind: each is worked out in wide ones as well."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..engine.nested import mapped, tensors
from .calls import name_of
from .module_path import ModulePath
from .source_lines import Line, running_line

SMALL = (torch.uint8, torch.int8, torch.int16)
CALCULATING = frozenset(
    "add sub mul rsub neg square add_ sub_ mul_ __add__ __radd__ __iadd__ __sub__ __rsub__ __isub__ __mul__ __rmul__ __imul__".split()
)


@dataclasses.dataclass(frozen=True)
class Wrapped:
    """A call whose result is not what the numbers make: its line, its kind, the share that is wrong, and one example of both."""

    name: str
    module: str
    line: Line
    dtype: str
    share: float
    got: int
    right: int


def widened(tensor: Tensor) -> Tensor:
    """Small whole numbers as wide ones; the rest as they are."""
    return tensor.long() if tensor.dtype in SMALL else tensor


class WrappedIntegers(TorchFunctionMode):
    """`with WrappedIntegers(model) as watch: model(x)`; then `watch.found`."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.found: list[Wrapped] = []
        self.path = ModulePath(model)

    def __enter__(self) -> WrappedIntegers:
        self.path.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.path.__exit__(*error)
        super().__exit__(*error)

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords, name = kwargs or {}, name_of(function)
        given = list(tensors((args, keywords)))
        if name not in CALCULATING or not any(t.dtype in SMALL for t in given) or any(t.is_floating_point() for t in given):
            return function(*args, **keywords)
        right = function(*mapped(args, widened), **mapped(keywords, widened))
        result = function(*args, **keywords)
        if isinstance(result, Tensor) and result.dtype in SMALL and result.shape == right.shape:
            wrong = result.long() != right
            if wrong.any():
                kind, share = str(result.dtype).removeprefix("torch."), float(wrong.double().mean())
                got, wanted = int(result[wrong].flatten()[0]), int(right[wrong].flatten()[0])
                self.found.append(Wrapped(name, self.path.current, running_line(2), kind, share, got, wanted))
        return result
