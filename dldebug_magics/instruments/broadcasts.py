"""Silent broadcasting between an output and its target: `[N, 1] - [N]` is an N x N table of differences.

Torch warns in its own MSE and L1; a hand-written loss is silent. Seen through torch's function door while the loss runs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from .calls import LOSSES, name_of
from .source_lines import Line, running_line


@dataclasses.dataclass(frozen=True)
class Broadcast:
    """One operation whose result is larger than both of its tensors."""

    function: str
    left: tuple[int, ...]
    right: tuple[int, ...]
    result: tuple[int, ...]
    line: Line


class Broadcasts(TorchFunctionMode):
    """Records broadcasts between two tensors of equally many elements and different shapes, the mark of a missing squeeze.

    Two tensors of equally many axes (`x[:, None] - x[None, :]`, a product of matrices) make a table of pairs on purpose, but in a loss.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Broadcast] = []

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = function(*args, **(kwargs or {}))
        two = [a for a in (*args[:2], *(kwargs or {}).values()) if isinstance(a, Tensor) and not is_lazy(a)][:2]
        if len(two) == 2 and two[0].numel() == two[1].numel() > 1 and two[0].shape != two[1].shape:
            shape = self._shape(two, result)
            if shape is not None and (two[0].ndim != two[1].ndim or name_of(function) in LOSSES):
                self.seen.append(Broadcast(name_of(function), tuple(two[0].shape), tuple(two[1].shape), shape, running_line(2)))
        return result

    @staticmethod
    def _shape(two: list[Tensor], result: Any) -> tuple[int, ...] | None:
        """The broadcast shape where the operation made (or summed over) more elements than either tensor has."""
        if not isinstance(result, Tensor) or result.ndim not in (0, max(t.ndim for t in two)):
            return None
        try:
            shape = tuple(torch.broadcast_shapes(*(t.shape for t in two)))
        except RuntimeError:  # not an elementwise operation: a matrix product, a gather
            return None
        whole = result.ndim == 0 or tuple(result.shape) == shape
        return shape if whole and math.prod(shape) > two[0].numel() else None
