"""What of an error gap the inputs explain, or the shares of the classes: both errors, and what each would be on the other side's mixture.

    gap = error of target - error of source
        = (error of target - the same re-weighted to the source's mixture) + (the latter - error of source)

The first part needs the target alone, so that it holds for a source that the model was trained on; it is what the mixture does. The second
is what is left where both have the same mixture: other answers, or a model that knows its training data by heart. The same is asked the
other way around, with the source re-weighted to the target. Source: as in `instruments/shift/reweighted.py`.
"""

from __future__ import annotations

import dataclasses

import numpy

from ...instruments.evaluation.bootstrap import Interval, drawn, interval
from ...instruments.shift.reweighted import effective, matched_error, ratio

_PRIOR = ((0.0, 1.0, 0.0, 1.0), (1.0, 1.0, 1.0, 1.0))  # one right and one wrong answer that might have been


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of the gap, and where it lies with 95 % confidence."""

    value: float
    interval: Interval


@dataclasses.dataclass(frozen=True)
class Matched:
    """`moved`: what the mixture adds, seen on the target, and on the source. `left`: what is left on the same mixture, seen at the
    source's, and at the target's. `share`: of the samples of the target, and of the source, that count behind their weights."""

    moved: tuple[Part, Part]
    left: tuple[Part, Part]
    share: tuple[float, float]


def by_inputs(scores: numpy.ndarray, wrong: tuple[numpy.ndarray, numpy.ndarray], seed: int) -> Matched:
    """By the out-of-fold probabilities of "target" that a domain classifier gives [n_a + n_b]."""
    n_a, n_b = map(len, wrong)
    turned = numpy.concatenate([1 - scores[n_a:], 1 - scores[:n_a]])
    return _matched(wrong, (ratio(scores, n_a, n_b), ratio(turned, n_b, n_a)), seed)


def by_classes(true: tuple[numpy.ndarray, numpy.ndarray], wrong: tuple[numpy.ndarray, numpy.ndarray], seed: int) -> Matched | None:
    """By the shares of the true classes; None where a side lacks a class that the other has."""
    if set(true[0].tolist()) != set(true[1].tolist()):
        return None
    _, numbers = numpy.unique(numpy.concatenate(true), return_inverse=True)
    sides = numbers[: len(true[0])], numbers[len(true[0]) :]
    shares = [numpy.bincount(side, minlength=numbers.max() + 1) / len(side) for side in sides]
    return _matched(wrong, ((shares[1] / shares[0])[sides[0]], (shares[0] / shares[1])[sides[1]]), seed)


def _matched(wrong: tuple[numpy.ndarray, numpy.ndarray], weights: tuple[numpy.ndarray, numpy.ndarray], seed: int) -> Matched:
    moved = _mixture(wrong[1], weights[1], seed), _turned(_mixture(wrong[0], weights[0], seed))
    as_b, error_b, left_b, _ = matched_error(wrong[0], weights[0], wrong[1], seed=seed)
    as_a, error_a, left_a, _ = matched_error(wrong[1], weights[1], wrong[0], seed=seed)
    left = _turned(Part(error_a - as_a, left_a)), Part(error_b - as_b, left_b)
    return Matched(moved, left, (effective(weights[1]) / len(weights[1]), effective(weights[0]) / len(weights[0])))


def _turned(part: Part) -> Part:
    return Part(-part.value, Interval(-part.interval.high, -part.interval.low))


def _mixture(wrong: numpy.ndarray, weights: numpy.ndarray, seed: int) -> Part:
    """How much higher the error is than with the weights, on the same samples, which are drawn together."""

    def difference(sums: numpy.ndarray) -> numpy.ndarray:
        return sums[..., 2] / sums[..., 3] - sums[..., 0] / sums[..., 1]

    rows = numpy.stack([weights * wrong, weights, wrong, numpy.ones(len(wrong))], axis=1).astype(float)
    draws = drawn(rows, difference, _PRIOR, numpy.random.default_rng(seed))
    return Part(float(difference(rows.sum(0))), interval(draws))
