"""How far chance alone moves a metric and the difference of two: intervals by the bootstrap, over buckets of samples.

Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13, percentile intervals.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy

DRAWS = 2000
LEVEL = 0.95
Value = Callable[[numpy.ndarray], numpy.ndarray]  # of sums [..., width]: the metric [...]


@dataclasses.dataclass(frozen=True)
class Interval:
    """Where a number lies with 95 % confidence."""

    low: float
    high: float

    def __contains__(self, number: object) -> bool:
        return isinstance(number, (int, float)) and self.low <= number <= self.high

    @property
    def above_zero(self) -> bool:
        """Whether all of it lies above 0."""
        return self.low > 0


def interval(draws: numpy.ndarray, level: float = LEVEL) -> Interval:
    """The middle `level` of the draws.

    >>> found = interval(numpy.arange(1001.0))
    >>> round(found.low), round(found.high)
    (25, 975)
    """
    low, high = numpy.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def expanded(count: int, level: float = LEVEL) -> float:
    """The middle of the draws that holds the truth as often as `level` says, where only so many groups were drawn from (0: enough).

    Resamples of n groups spread less than samples of n groups do, by the root of (n - 1) / n, and a spread estimated from few is itself
    uncertain. Source: T. Hesterberg, "What Teachers Should Know About the Bootstrap" (2015), expanded percentile intervals.

    >>> [round(expanded(count), 3) for count in (0, 1000, 30, 10)]
    [0.95, 0.95, 0.962, 0.983]
    """
    from scipy.special import ndtr, stdtrit

    if count == 0:
        return level
    if count < 2:
        return 1.0
    return float(1 - 2 * ndtr(math.sqrt(count / (count - 1)) * stdtrit(count - 1, (1 - level) / 2)))


def drawn(filled: numpy.ndarray, value: Value, prior: Sequence[Sequence[float]], generator: numpy.random.Generator) -> numpy.ndarray:
    """The metric on `DRAWS` resamples, [DRAWS].

    filled: the sums of the buckets, [buckets, width]. prior: samples that are added to those that are drawn from: one right and one wrong
    answer for an error rate, without which a model that makes no mistake in ten samples would make none for sure (A. Agresti, B. Caffo,
    "Simple and effective confidence intervals for proportions", 2000).
    """
    filled = numpy.concatenate([filled, numpy.asarray(prior, dtype=float).reshape(-1, filled.shape[1])])
    if not len(filled):
        return numpy.full(DRAWS, numpy.nan)
    kinds, counts = numpy.unique(filled, axis=0, return_counts=True)  # right and wrong answers are few kinds of rows, and drawn at once
    times = generator.multinomial(len(filled), counts / len(filled), size=DRAWS)
    return value(times.astype(float) @ kinds)
