"""The experiment on the cause: the target's own samples again, with their inputs moved to the scale that the source's have.

If the same samples are answered better so, the scale is what hurt: no over-fitting and no harder sample is another explanation.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy
import torch
from torch import Tensor

from ...engine.deadline import TimeSpent
from ...engine.nested import mapped
from ...engine.subject import Subject
from ...instruments.evaluation.bootstrap import Interval, drawn, interval
from ...instruments.evaluation.metrics import mean
from ...instruments.shift.chosen import Chosen
from ...instruments.shift.given import inputs_of
from ...instruments.shift.judged import Judge
from ...instruments.shift.scale import Scale, columns_in, movable, moved
from ...instruments.shift.views import View, viewed

_FAR = 2.6  # standard deviations: once in two hundred times by chance
_ONE = ((-1.0, 1.0), (1.0, 1.0))  # an answer that might have become right, and one that might have become wrong


@dataclasses.dataclass(frozen=True)
class MovedBack:
    """The target's error as it is and with its inputs moved back, what that gains, and the gain's standard deviations above 0."""

    before: float
    after: float
    interval: Interval
    deviations: float

    @property
    def gain(self) -> float:
        """How much lower the error is."""
        return self.before - self.after

    @property
    def helps(self) -> bool:
        """Whether the gain is beyond chance."""
        return self.interval.above_zero and self.deviations > _FAR


@dataclasses.dataclass(frozen=True)
class _Moving:
    """A source of batches whose inputs are moved on their way."""

    subject: Subject
    chosen: Chosen
    scales: dict[str, tuple[Scale, Scale]]

    def batches(self, until: float) -> Any:
        for batch in self.chosen.batches(until):
            own = {id(tensor): name for name, tensor in inputs_of(self.subject, batch).items() if self._fits(name, tensor)}

            def change(tensor: Tensor, own: dict[int, str] = own) -> Tensor:
                return moved(tensor, *self.scales[own[id(tensor)]]) if id(tensor) in own else tensor

            yield mapped(batch, change)

    def _fits(self, name: str, tensor: Tensor) -> bool:
        return name in self.scales and movable(tensor) and columns_in(tensor) == self.scales[name][0].columns


def moved_back(subject: Subject, judge: Judge, source: View, target: View, chosen: Chosen) -> MovedBack | None:
    """Read the target again; None where nothing can be moved, nothing comes twice the same, or there is no time."""
    scales = {name: (target.scales[name], scale) for name, scale in source.scales.items() if name in target.scales}
    scales = {name: pair for name, pair in scales.items() if pair[0].columns == pair[1].columns}
    before, again = target.whole("wrong"), View(target.role)
    if not scales or before is None:
        return None
    twice = Chosen(chosen.source, chosen.limit, chosen.seed)
    try:
        for _ in viewed(subject, judge, _Moving(subject, twice, scales), again, subject.deadline):  # type: ignore[arg-type]
            if time.monotonic() > subject.deadline:
                return None
    except TimeSpent:
        return None
    after, true = again.whole("wrong"), (target.whole("true"), again.whole("true"))
    if after is None or len(after) != len(before) or not torch.isfinite(torch.from_numpy(after)).all():
        return None
    if true[0] is not None and true[1] is not None and not numpy.array_equal(true[0], true[1]):
        return None  # another draw from the stream
    rows = numpy.stack([before - after, numpy.ones(len(before))], axis=1)
    draws = drawn(rows, mean, _ONE if judge.metric == "error" else (), numpy.random.default_rng(subject.seed))
    deviations = float((before - after).mean()) / max(float(draws.std()), 1e-300)
    return MovedBack(float(before.mean()), float(after.mean()), interval(draws), deviations)
