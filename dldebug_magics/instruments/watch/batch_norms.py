"""Batch norms in the loop's own training passes: how many values a channel had, and how far the stored statistics are from the batch's.

The graph keeps both kinds of statistics until the backward pass frees it; nothing is computed again but their distance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .fed import saved
from .losses import kind

_KINDS = ("NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm")
_MOST = 50  # of a pass that are looked at


class Normed(NamedTuple):
    """One batch norm in a training pass. `values`: of a channel. `momentum`: its own (NaN where it keeps a plain average).

    `apart`, `from_start`: the distances of the stored statistics from the batch's and from their first values (0 and 1), in batch
    deviations and e-folds of the variance; NaN where none are stored.
    """

    model: int
    name: str
    values: int
    momentum: float
    apart: float = math.nan
    from_start: float = math.nan


class BatchNorms:
    """`look` before a backward pass, `told` after it, when the model is known."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[int, str, float]] = {}  # by where the stored mean lies in memory
        self.seen: list[tuple[int, int, float, float]] = []

    def meet(self, number: int, model: nn.Module) -> None:
        """A model that is about to be trained."""
        for name, module in model.named_modules():
            mean = getattr(module, "running_mean", None)
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and mean is not None and not nn.parameter.is_lazy(mean):
                momentum = math.nan if module.momentum is None else float(module.momentum)
                self.known.setdefault(mean.data_ptr(), (number, name, momentum))

    def look(self, nodes: Iterable[Any]) -> None:
        """The batch norms of a graph that took the batch's statistics and store them."""
        self.seen = []
        for node in nodes:
            if kind(node) in _KINDS and saved(node, "training") is not False and len(self.seen) < _MOST:
                given, stored = saved(node, "input"), saved(node, "running_mean")
                if isinstance(given, Tensor) and isinstance(stored, Tensor) and given.numel() and given.ndim > 1:
                    self.seen.append((stored.data_ptr(), given.numel() // given.shape[1], *_distances(node, stored)))

    def told(self) -> dict[str, Any]:
        """What a `Backward` tells of them."""
        known = [(self.known[place], values, apart, start) for place, values, apart, start in self.seen if place in self.known]
        self.seen = []
        return {"normed": tuple(Normed(number, name, values, share, *rest) for (number, name, share), values, *rest in known)}


def _distances(node: Any, mean: Tensor) -> tuple[float, float]:
    """Of the stored statistics: from the batch's, and from those that a batch norm begins with."""
    variance, now, deviation = saved(node, "running_var"), saved(node, "result1"), saved(node, "result2")
    if not all(isinstance(t, Tensor) and t.numel() == mean.numel() for t in (variance, now, deviation)):
        return math.nan, math.nan
    scale = deviation.float().reciprocal()
    stored, batch = (mean.float(), variance.float()), (now.float(), scale.square())
    start = torch.zeros_like(stored[0]), torch.ones_like(stored[1])
    return _distance(stored, batch, scale), _distance(stored, start, scale)


def _distance(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], scale: Tensor) -> float:
    """The mean over the channels of: difference of the means in deviations, plus difference of the logarithms of the variances."""
    means = (one[0] - other[0]).abs() / scale
    logarithms = (one[1].clamp(min=1e-12).log() - other[1].clamp(min=1e-12).log()).abs()
    return float((means + logarithms).mean())
