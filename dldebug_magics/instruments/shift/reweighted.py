"""One sample's error re-weighted to the inputs of another: what of an error gap the inputs explain, and what is left for the concept.

Source: M. Sugiyama, M. Krauledat, K. Mueller, "Covariate Shift Adaptation by Importance Weighted Cross Validation" (2007); S. Bickel,
M. Brueckner, T. Scheffer, "Discriminative Learning under Covariate Shift" (2009) for weights from a domain classifier; L. Kish, "Survey
Sampling" (1965) for the effective sample size.
"""

from __future__ import annotations

import numpy

from ..evaluation.bootstrap import Interval, drawn, interval
from ..evaluation.buckets import Buckets, numbers
from ..evaluation.metrics import mean

LARGEST = 20.0  # weight: rows that stand for more than twenty others decide alone, and by chance
_UNSEEN = 0.5  # of what the weights moved: they left up to so much of known gaps unexplained (300 rows, area under the curve 0.62)
_SEEN = ((0.0, 1.0), (1.0, 1.0))  # one right and one wrong answer that might have been


def ratio(scores: numpy.ndarray, n_a: int, n_b: int) -> numpy.ndarray:
    """How many times as frequent the inputs of each row of a are in b [n_a], of mean 1.

    scores [n_a + n_b]: a domain classifier's out-of-fold probabilities of "b", a first.

    >>> ratio(numpy.array([0.5, 0.75, 0.5]), 2, 1).round(2).tolist()
    [0.5, 1.5]
    """
    odds = numpy.clip(scores[:n_a], 1e-9, 1 - 1e-9)
    weights = numpy.minimum(odds / (1 - odds) * n_a / n_b, LARGEST)
    return weights / weights.mean()


def effective(weights: numpy.ndarray) -> float:
    """The number of samples of equal weight that tell as much.

    >>> effective(numpy.array([1.0, 1.0, 0.0, 0.0]))
    2.0
    """
    return float(weights.sum() ** 2 / max((weights**2).sum(), 1e-300))


def matched_error(
    wrong_a: numpy.ndarray, weights: numpy.ndarray, wrong_b: numpy.ndarray, *, seed: int
) -> tuple[float, float, Interval, float]:
    """a's error re-weighted to b's inputs, b's error, the 95 % interval of (b's - a's re-weighted), and the effective sample size.

    wrong_a [n], wrong_b [m]: 1 where an answer was wrong, or a loss; weights [n]: of `ratio`. An interval above 0: b is answered worse than
    a where they have the same inputs, so what the inputs mean has changed. A classifier that has learned from few rows sees less of a shift
    than there is, and its weights explain too little: what they would explain if they moved the error half as far again is not counted.
    """
    generator = numpy.random.default_rng(seed)
    sides = []
    for wrong, weight in ((wrong_a, weights), (wrong_b, numpy.ones(len(wrong_b)))):
        buckets = Buckets(2)
        buckets.add(numpy.stack([weight * wrong, weight], axis=1).astype(float), numbers(0, len(wrong)))
        sides.append(buckets)
    values = [float(mean(side.total)) for side in sides]
    draws = [drawn(side.filled, mean, _SEEN, generator) for side in sides]
    moved = values[0] - float(numpy.mean(wrong_a))
    found = interval(draws[1] - draws[0])
    return values[0], values[1], Interval(found.low - _UNSEEN * max(moved, 0), found.high - _UNSEEN * min(moved, 0)), effective(weights)
