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
from .tasks import Task, scores

_LIKELIHOODS = (nn.CrossEntropyLoss, nn.NLLLoss, nn.BCEWithLogitsLoss, nn.BCELoss)
_FUNCTIONS = ("cross_entropy", "nll_loss", "binary_cross_entropy_with_logits", "binary_cross_entropy")
_WAITING = 2**18  # numbers of outputs that may wait


class Confidence:
    """Grows with batches; `gap` is None where outputs are no probabilities: another loss, pixels, values."""

    def __init__(self, loss_fn: Any):
        self.asked = isinstance(loss_fn, _LIKELIHOODS) or getattr(loss_fn, "__name__", "") in _FUNCTIONS
        self.buckets = Buckets(2)
        self.waiting: list[tuple[Task, Tensor, Tensor, numpy.ndarray]] = []

    def add(self, task: Task, output: Any, targets: tuple[Any, ...], members: numpy.ndarray) -> None:
        """One batch; several are looked at together, which costs less than each by itself."""
        found = scores(output)
        if not self.asked or found is None or task.soft or task.kind not in ("classes", "flags"):
            return
        if found.ndim > 2 or len(found) != len(members) or (task.kind == "flags" and found.numel() != len(found)):
            return  # pixels, letters, several labels
        self.waiting.append((task, found, targets[0], members))
        if len(self.waiting) * found.numel() > _WAITING:
            self._look()

    def _look(self) -> None:
        if not self.waiting:
            return
        task, *_ = self.waiting[0]
        found, target = (torch.cat([part[place] for part in self.waiting]) for place in (1, 2))  # type: ignore[misc]
        rows = _of_classes(found, target) if task.kind == "classes" else _of_flags(task, found, target)
        self.buckets.add(rows.double().cpu().numpy(), numpy.concatenate([members for *_, members in self.waiting]))
        self.waiting = []

    def gap(self, generator: numpy.random.Generator) -> tuple[float, Interval] | None:
        """How much too sure (above 0) or too unsure the model is on average, and the interval."""
        self._look()
        if not self.buckets.count:
            return None
        total = self.buckets.total
        return float(total[0] / total[1]), interval(drawn(self.buckets.filled, mean, (), generator))


def _of_classes(found: Tensor, target: Tensor) -> Tensor:
    sure, said = found.softmax(1).max(1)
    counted = (target >= 0).to(sure.dtype)
    return torch.stack([(sure - (said == target).to(sure.dtype)) * counted, counted], dim=1)


def _of_flags(task: Task, found: Tensor, target: Tensor) -> Tensor:
    yes = found.reshape(-1).sigmoid() if task.threshold == 0 else found.reshape(-1)
    right = (yes > 0.5) == (target.reshape(-1) > 0.5)
    return torch.stack([torch.maximum(yes, 1 - yes) - right.to(yes.dtype), torch.ones_like(yes)], dim=1)
