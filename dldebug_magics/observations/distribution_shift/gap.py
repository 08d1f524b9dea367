"""The error of either split, how much worse the target is, and whether that is beyond chance and worth a change."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy

from ...instruments.evaluation.bootstrap import Interval, drawn, interval
from ...instruments.evaluation.metrics import mean

_PRIOR = ((0.0, 1.0), (1.0, 1.0))  # one right and one wrong answer that might have been
_SOME, _MUCH = 0.02, 0.1  # of an error rate
_SOME_OF, _MUCH_OF = 0.1, 0.5  # of the larger of two other errors
_CLEAR, _FAR = 3.0, 3.3  # standard deviations: once in seven hundred times by chance, and once in two thousand


@dataclasses.dataclass(frozen=True)
class Gap:
    """The mean errors, their 95 % intervals, the difference with its own, and how many of its standard deviations it is above 0."""

    source: float
    target: float
    intervals: tuple[Interval, Interval]
    value: float
    interval: Interval
    deviations: float
    is_share: bool

    @property
    def size(self) -> str:
        """Whether it is "much", "some", or nothing that matters (empty)."""
        return matters(self.value, self)

    @property
    def wide(self) -> bool:
        """Whether it could be much for all that is known."""
        return matters(self.interval.high, self) == "much"

    @property
    def hurts(self) -> bool:
        """Whether the target is worse beyond chance, by as much as matters."""
        return self.interval.above_zero and bool(self.size)

    @property
    def clear(self) -> bool:
        """Whether chance makes such a gap less than once in seven hundred times: what an alarm may rest on."""
        return self.hurts and self.deviations > _CLEAR

    @property
    def far(self) -> bool:
        """Whether chance makes such a gap less than once in two thousand times."""
        return self.hurts and self.deviations > _FAR


def matters(value: float, gap: Gap) -> str:
    """Whether a part of the gap is "much", "some", or nothing (empty): a percent or two is not worth a change."""
    worst = max(abs(gap.source), abs(gap.target))
    some, much = (_SOME, _MUCH) if gap.is_share else (_SOME_OF * worst, _MUCH_OF * worst)
    size = round(value, 9)
    return "much" if size >= much > 0 else "some" if size >= some > 0 else ""


def gap_of(wrong: tuple[numpy.ndarray, numpy.ndarray], groups: tuple[Sequence[Any], Sequence[Any]], metric: str, seed: int) -> Gap:
    """From how wrong each sample is, [n_a] and [n_b]; samples of one group are drawn together."""
    is_share = metric == "error"
    sums = [_by_group(side, names) for side, names in zip(wrong, groups, strict=True)]
    prior = _PRIOR if is_share else ()
    draws = [drawn(rows, mean, prior, numpy.random.default_rng([seed, side])) for side, rows in enumerate(sums)]
    value, change = float(wrong[1].mean() - wrong[0].mean()), draws[1] - draws[0]
    intervals = interval(draws[0]), interval(draws[1])
    spread = max(float(change.std()), 1e-300)
    return Gap(float(wrong[0].mean()), float(wrong[1].mean()), intervals, value, interval(change), value / spread, is_share)


def _by_group(wrong: numpy.ndarray, names: Sequence[Any]) -> numpy.ndarray:
    rows = numpy.stack([wrong, numpy.ones(len(wrong))], axis=1).astype(float)
    if not len(names):
        return rows
    _, numbers = numpy.unique([str(name) for name in names], return_inverse=True)
    sums = numpy.zeros((numbers.max() + 1, 2))
    numpy.add.at(sums, numbers, rows)
    return sums
