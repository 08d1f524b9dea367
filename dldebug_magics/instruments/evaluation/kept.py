"""Metrics that are no sums over samples (a rank, a function of somebody's own): outputs and targets are kept, and drawn from."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import Tensor

from .tasks import Task, scores

_SECONDS = 3.0  # for all resamples of one split
_FEWEST = 100


@dataclasses.dataclass(frozen=True)
class Whole:
    """A metric of all outputs and targets at once, as a user or a library writes it."""

    name: str
    value: Callable[[Tensor, Tensor], float]
    larger_is_better: bool = False


class Kept:
    """All outputs and targets of a split, on the CPU."""

    def __init__(self, metric: Whole):
        self.metric = metric
        self.parts: list[tuple[Tensor, Tensor]] = []
        self.members: list[numpy.ndarray] = []

    def add(self, output: Any, targets: tuple[Any, ...], members: numpy.ndarray) -> None:
        """Keep one batch."""
        self.parts.append((scores(output).detach().cpu(), targets[0].detach().cpu()))  # type: ignore[union-attr]
        self.members.append(members)

    @property
    def count(self) -> int:
        """How many samples are kept."""
        return sum(len(target) for _, target in self.parts)

    @property
    def value(self) -> float:
        """The metric of all samples."""
        return float(self.metric.value(*self._together()))

    def draws(self, generator: numpy.random.Generator, count: int) -> numpy.ndarray:
        """The metric on resamples of the groups, [count]: made as often as time allows, and drawn from again where that is fewer."""
        outputs, target = self._together()
        groups = [torch.from_numpy(places) for places in _together_by(numpy.concatenate(self.members))]
        found: list[float] = []
        began = time.monotonic()
        while len(found) < count and (len(found) < _FEWEST or time.monotonic() - began < _SECONDS):
            picked = torch.cat([groups[i] for i in generator.integers(len(groups), size=len(groups))])
            found.append(_or_nan(self.metric.value, outputs[picked], target[picked]))
        known = numpy.array(found)[numpy.isfinite(found)]
        return known if len(known) == count else generator.choice(known, count) if len(known) else numpy.full(count, numpy.nan)

    def _together(self) -> tuple[Tensor, Tensor]:
        self.parts = [(torch.cat([s for s, _ in self.parts]), torch.cat([t for _, t in self.parts]))]
        return self.parts[0]


def _together_by(members: numpy.ndarray) -> list[numpy.ndarray]:
    """The places of each group's samples."""
    order = numpy.argsort(members, kind="stable")
    _, starts = numpy.unique(members[order], return_index=True)
    return numpy.split(order, starts[1:])


def _or_nan(value: Callable[[Tensor, Tensor], float], found: Tensor, target: Tensor) -> float:
    """The metric of a resample; no number where it has none, as a rank has none of a single class."""
    try:
        return float(value(found, target))
    except ValueError:
        return float("nan")


def auroc(task: Task) -> Whole:
    """The area under the receiver operating characteristic: one against the rest, the mean over classes or labels.

    >>> auroc(Task("flags")).value(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0.0, 0.0, 1.0, 1.0]))
    0.75
    """

    def value(found: Tensor, target: Tensor) -> float:
        from sklearn.metrics import roc_auc_score

        if task.kind == "classes":
            probabilities = found.double().softmax(task.axis)
            if probabilities.shape[1] == 2:
                return float(roc_auc_score(target.numpy(), probabilities[:, 1].numpy()))
            return float(roc_auc_score(target.numpy(), probabilities.numpy(), multi_class="ovr", labels=list(range(found.shape[1]))))
        return float(roc_auc_score(target.numpy(), found.reshape(target.shape).double().numpy()))

    return Whole("auroc", value, larger_is_better=True)
