"""How sure a model says it is, against how often it is right: the mean of (confidence - right) over samples, as sums in buckets.

Single bins of confidence are not kept: their expected error is above 0 for a perfect model of few samples, this mean is not.
Source: C. Guo et al., "On Calibration of Modern Neural Networks" (2017).
"""

from __future__ import annotations

from typing import Any

import numpy
import torch
from torch import Tensor, nn

from .bootstrap import Interval, drawn, interval
from .buckets import Buckets
from .metrics import mean
from .tasks import Task

_LIKELIHOODS = (nn.CrossEntropyLoss, nn.NLLLoss, nn.BCEWithLogitsLoss, nn.BCELoss)
_FUNCTIONS = ("cross_entropy", "nll_loss", "binary_cross_entropy_with_logits", "binary_cross_entropy")


class Confidence:
    """Grows with rows of (confidence - right, counted); `gap` is None where outputs are no probabilities: another loss, pixels, values."""

    def __init__(self) -> None:
        self.buckets = Buckets(2)

    def gap(self, generator: numpy.random.Generator) -> tuple[float, Interval] | None:
        """How much too sure (above 0) or too unsure the model is on average, and the interval."""
        if not self.buckets.count:
            return None
        total = self.buckets.total
        return float(total[0] / total[1]), interval(drawn(self.buckets.filled, mean, (), generator))


def are_probabilities(loss_fn: Any) -> bool:
    """Whether a loss takes a model's outputs for probabilities, or for their logits."""
    return isinstance(loss_fn, _LIKELIHOODS) or getattr(loss_fn, "__name__", "") in _FUNCTIONS


def sureness(task: Task, found: Tensor, target: Tensor) -> numpy.ndarray | None:
    """Rows (confidence - right, counted) of N samples, [N, 2]; None where a sample has more than one answer, or a distribution for one."""
    if task.soft or task.kind not in ("classes", "flags") or found.ndim > 2 or (task.kind == "flags" and found.numel() != len(found)):
        return None
    rows = _of_classes(found, target) if task.kind == "classes" else _of_flags(task, found, target)
    return rows.double().cpu().numpy()


def _of_classes(found: Tensor, target: Tensor) -> Tensor:
    best, said = found.max(1)
    sure = (found - best[:, None]).exp().sum(1).reciprocal()  # the largest of the softmax, in a quarter of its time
    counted = (target >= 0).to(sure.dtype)
    return torch.stack([(sure - (said == target).to(sure.dtype)) * counted, counted], dim=1)


def _of_flags(task: Task, found: Tensor, target: Tensor) -> Tensor:
    yes = found.reshape(-1).sigmoid() if task.threshold == 0 else found.reshape(-1)
    right = (yes > 0.5) == (target.reshape(-1) > 0.5)
    return torch.stack([torch.maximum(yes, 1 - yes) - right.to(yes.dtype), torch.ones_like(yes)], dim=1)
