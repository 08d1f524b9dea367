"""Batch norm's two kinds of statistics side by side: those of the batch, used in training, and the stored ones, used in evaluation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject


@dataclasses.dataclass(frozen=True)
class Norm:
    """One batch norm in training mode: how many values a channel has in the batch, and how far stored statistics are from the batch's.

    `apart` and `from_start` are the distances of the stored statistics from the batch's and from their first values (0 and 1), in batch
    deviations and e-folds of the variance; `steps` counts the batches that they have seen.
    """

    name: str
    values: int
    momentum: float | None
    apart: float
    from_start: float
    steps: int


@dataclasses.dataclass(frozen=True)
class NormCard(Observation):
    """Every batch norm that ran in training mode with stored statistics."""

    norms: tuple[Norm, ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[NormCard]:
        """One forward pass, as found: a norm that is held in evaluation mode is none of these."""
        seeded(subject.seed)
        found: list[Norm] = []
        named = [(name, m) for name, m in subject.model.named_modules() if isinstance(m, _BatchNorm)]
        handles = [m.register_forward_pre_hook(lambda m, given, name=name: _note(found, name, m, given)) for name, m in named]
        try:
            with torch.enable_grad():
                loss_of(subject)
        finally:
            for handle in handles:
                handle.remove()
        yield cls(tuple(found))


def _note(found: list[Norm], name: str, module: _BatchNorm, given: tuple[Any, ...]) -> None:
    mean, variance, count = module.running_mean, module.running_var, module.num_batches_tracked
    if not module.training or mean is None or variance is None or count is None or is_lazy(mean) or not given[0].numel():
        return
    values = given[0].detach().float().movedim(1, 0).flatten(1)
    stored, now = (mean.float(), variance.float()), (values.mean(1), values.var(1, unbiased=False).clamp(min=1e-12))
    start = (torch.zeros_like(stored[0]), torch.ones_like(stored[1]))
    momentum = None if module.momentum is None else float(module.momentum)
    apart, from_start = _distance(stored, now, now[1]), _distance(stored, start, now[1])
    found.append(Norm(name, values.shape[1], momentum, apart, from_start, int(count)))


def _distance(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], variance: Tensor) -> float:
    """The mean over the channels of: difference of the means in deviations, plus difference of the logarithms of the variances."""
    means = (one[0] - other[0]).abs() / variance.sqrt()
    logarithms = (one[1].clamp(min=1e-12).log() - other[1].clamp(min=1e-12).log()).abs()
    distance = float((means + logarithms).mean())
    return distance if math.isfinite(distance) else math.inf
