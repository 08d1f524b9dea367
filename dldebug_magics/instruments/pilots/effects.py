"""What a change does: the mean of differences, paired by seed and by sample, with an interval that knows both kinds of chance.

With d[s] the difference at seed s of S, all on the same samples, the effect is their mean; its variance is

    V = v / S + b,      v = (variance of d + usual variance) / 2,      b = variance of the mean over bootstrap draws of the samples

and the interval is the mean +- t * sqrt(V). Three seeds know their own variance badly: it is averaged with the median over all changes,
and both together count as 1.5 (S - 1) degrees of freedom (after G. Smyth, "Linear models and empirical Bayes methods", 2004, with equal
weights; the median, because one change that trains wildly would blur all others). The degrees of freedom of V are F. Satterthwaite's ("An
approximate distribution of estimates of variance components", 1946). That a difference of seeds holds a part of the samples' chance makes V
a little too large, never too small. Both kinds of chance count: X. Bouthillier et al., "Accounting for variance in machine learning
benchmarks" (2021); pairs on the same samples: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy

from ..evaluation.bootstrap import LEVEL


@dataclasses.dataclass(frozen=True)
class Effect:
    """How much a number changes, and where that lies with 95 % confidence; without an interval (both ends NaN) for one seed alone."""

    value: float
    low: float = float("nan")
    high: float = float("nan")
    seeds: int = 1

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return self.low == self.low

    @property
    def below_zero(self) -> bool:
        """Whether all of it lies below 0: of an error, that it helps."""
        return self.high < 0

    @property
    def above_zero(self) -> bool:
        """Whether all of it lies above 0: of an error, that it harms."""
        return self.low > 0


def effects(differences: Sequence[tuple[numpy.ndarray, numpy.ndarray]]) -> list[Effect]:
    """The effect of each change from its differences by seed [seeds] and their bootstrap draws [seeds, draws]."""
    spread = [float(numpy.var(d, ddof=1)) for d, _ in differences if len(d) > 1]
    usual = float(numpy.median(spread)) if spread else 0.0
    return [_effect(numpy.asarray(d), numpy.asarray(drawn), usual, alone=len(spread) == 1) for d, drawn in differences]


def _effect(found: numpy.ndarray, drawn: numpy.ndarray, usual: float, alone: bool) -> Effect:
    value, seeds = float(found.mean()), len(found)
    if seeds < 2:
        return Effect(value)
    from scipy.special import stdtrit

    of_seeds = (float(numpy.var(found, ddof=1)) + usual) / 2 / seeds
    of_samples = float(numpy.var(numpy.mean(drawn, axis=0), ddof=1))
    both = of_seeds + of_samples
    if both == 0:
        return Effect(value, value, value, seeds)
    own = (seeds - 1) * (1.0 if alone else 1.5)
    degrees = both**2 / (of_seeds**2 / own + of_samples**2 / drawn.shape[1])
    half = float(stdtrit(degrees, (1 + LEVEL) / 2)) * both**0.5
    return Effect(value, value - half, value + half, seeds)
