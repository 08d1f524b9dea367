"""How near the user's own log, division, root and exp come to the edge of their domain, where a number or its slope is infinite.

Only calls that the user's lines make themselves count: torch keeps its own inside. So do only numbers that a gradient flows through: the
logarithm of a mask is meant.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .calls import name_of
from .module_path import ModulePath
from .source_lines import Line, is_users, running_line

_NEAR_ZERO = 1e-19  # the square root of the smallest number: any usual epsilon is far above
_NEAR_OVERFLOW = 8.0  # of what exp can take, which is 88.7 in float32
_LOWS = frozenset("log log2 log10 sqrt rsqrt".split())
_DIVISIONS = frozenset("div true_divide __truediv__ div_".split())
_INVERSES = frozenset("reciprocal __rtruediv__ __rdiv__".split())
_WRAPPERS = ("overrides.py", "_tensor.py", "functional.py")


@dataclasses.dataclass(frozen=True)
class Margin:
    """One call at the edge: what it is, where, and the number that is nearest to the edge."""

    name: str
    module: str
    line: Line
    nearest: float


class DomainMargins(TorchFunctionMode):
    """`with DomainMargins(model) as margins: ...`; `margins.seen` lists the calls at the edge."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.seen: list[Margin] = []
        self.path = ModulePath(model)

    def __enter__(self) -> DomainMargins:
        self.path.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.path.__exit__(*error)
        super().__exit__(*error)

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        name = name_of(function)
        nearest = _nearest(name, args) if _of_user(sys._getframe(1)) else None
        if nearest is not None:
            self.seen.append(Margin("div" if name in _DIVISIONS | _INVERSES else name, self.path.current, running_line(2), nearest))
        return function(*args, **(kwargs or {}))


def _nearest(name: str, args: tuple) -> float | None:
    """The number nearest to the edge, where it is near."""
    low = args[0] if name in _LOWS | _INVERSES and args else args[1] if name in _DIVISIONS and len(args) > 1 else None
    if low is not None and _counts(low):
        nearest = float(low.detach().abs().min())
        return nearest if nearest < _NEAR_ZERO else None
    if name == "exp" and args and _counts(args[0]):
        highest = float(args[0].detach().max())
        return highest if highest > math.log(torch.finfo(args[0].dtype).max) - _NEAR_OVERFLOW else None
    return None


def _counts(tensor: Any) -> bool:
    """Whether these are real numbers on the way to the loss; float16 has an edge of its own."""
    return isinstance(tensor, Tensor) and tensor.requires_grad and tensor.numel() > 0 and tensor.dtype is not torch.float16


def _of_user(frame: FrameType | None) -> bool:
    """Whether a line of the user's made this call, itself or through torch's thin wrappers."""
    while frame is not None and frame.f_code.co_filename.startswith(torch.__path__[0]) and frame.f_code.co_filename.endswith(_WRAPPERS):
        frame = frame.f_back
    return frame is not None and is_users(frame.f_code.co_filename)
