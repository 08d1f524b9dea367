"""How well two samples can be told apart: a classifier that says which of them a row is from, asked about rows that it has not seen.

Source: D. Lopez-Paz, M. Oquab, "Revisiting Classifier Two-Sample Tests" (2017); the p-value is that of dealing out the sides anew, because
scores of one cross-validation are not independent of each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy

from ..evaluation.bootstrap import Interval
from .columns import MOST_ROWS, alike, thinned
from .coordinates import coordinates
from .ranks import area, area_interval, areas
from .relabelled import contrast, dealt, tails, units

FOLDS, DRAWS, MARKS = 5, 199, 100
_RIDGE = 0.02  # of the variance of all coordinates together
_CHUNK = 2**12  # rows that are scored together: what they need lies in the processor's cache


@dataclasses.dataclass(frozen=True)
class Separation:
    """The area under the ROC curve (0.5: chance, 1: always told apart), its 95 % interval, and how likely chance alone comes as far."""

    auc: float
    interval: Interval
    p: float
    scores: numpy.ndarray = dataclasses.field(repr=False, compare=False)  # [n_a + n_b]: probability of "b", a first


def separation(a: Any, b: Any, *, seed: int, groups_a: Sequence[Any] | None = None, groups_b: Sequence[Any] | None = None) -> Separation:
    """Tell rows of a [n, ...] from rows of b [m, ...].

    seed: of folds and draws. groups_a, groups_b: names of what belongs together [n], [m]; a group is in one fold only, and is dealt out as
    one. Of more than 5,000 rows a side the classifier learns from as many; all are scored. A missing value (NaN) is a value of its own.
    """
    generator = numpy.random.default_rng(seed)
    a, b = alike(a, b)
    unit, group = units(groups_a, groups_b, len(a), len(b))
    seen_a, seen_b = thinned(len(a), MOST_ROWS, generator), thinned(len(b), MOST_ROWS, generator)
    seen, rows = numpy.concatenate([seen_a, len(a) + seen_b]), numpy.concatenate([a[seen_a], b[seen_b]])
    learned = coordinates(rows, generator, MARKS)
    unit = numpy.unique(unit[seen], return_inverse=True)[1]
    is_b = dealt(unit, len(seen_a), DRAWS, generator)
    crossed, weights = _crossed(learned(rows), contrast(is_b), _folds(group[seen], generator))
    own, real = crossed[:, 0], is_b[:, 0]
    p = float(tails(areas(crossed, is_b)[None])[0])
    slope, offset = _logistic(own, real)
    scores = numpy.concatenate([_scored(part, learned, weights) for part in (a, b)])
    scores[seen] = own
    told = 1 / (1 + numpy.exp(-numpy.clip(slope * scores + offset + numpy.log(len(b) / len(a)), -30, 30)))
    return Separation(area(own, real), area_interval(own, real, unit), p, told)


def _folds(group: numpy.ndarray, generator: numpy.random.Generator) -> numpy.ndarray:
    """A fold for each row, which doesn't look at its side: sides that are dealt out anew keep the folds."""
    names, numbers = numpy.unique(group, return_inverse=True)
    return generator.permutation(len(names))[numbers] % FOLDS


def _crossed(found: numpy.ndarray, wanted: numpy.ndarray, fold: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Scores of each row [n, draws] by ridge regression on the rows of other folds, and the mean weights [1 + r] of the first draw.

    Both sides of the regression are centred on the rows that are learned from: how many of them are "b" must not move a score.
    """
    scores, weights = numpy.zeros(wanted.shape), numpy.zeros(found.shape[1] + 1)
    for number in numpy.unique(fold):
        held, kept = fold == number, fold != number
        if not kept.any():
            continue
        centre = found[kept].mean(axis=0)
        rows, sides = found[kept] - centre, wanted[kept] - wanted[kept].mean(axis=0)
        squares = rows.T @ rows + _RIDGE * kept.sum() * numpy.eye(found.shape[1])
        slopes = numpy.linalg.solve(squares, rows.T @ sides)
        scores[held] = (found[held] - centre) @ slopes
        weights += numpy.concatenate([[-centre @ slopes[:, 0]], slopes[:, 0]]) / len(numpy.unique(fold))
    return scores, weights


def _scored(rows: numpy.ndarray, learned: Any, weights: numpy.ndarray) -> numpy.ndarray:
    """Rows by the mean of the folds' classifiers: none of them has seen a row that was not drawn."""
    parts = [learned(rows[start : start + _CHUNK]) @ weights[1:] + weights[0] for start in range(0, len(rows), _CHUNK)]
    return numpy.concatenate(parts)


def _logistic(scores: numpy.ndarray, is_b: numpy.ndarray) -> tuple[float, float]:
    """Slope and offset that make of a score the log-odds of "b" where both sides are equally many; the slope is not below 0.

    Source: J. Platt, "Probabilistic Outputs for Support Vector Machines" (1999), with its targets for few samples.
    """
    from scipy import optimize

    size = scores.std() or 1.0
    targets = numpy.where(is_b, (is_b.sum() + 1) / (is_b.sum() + 2), 1 / ((~is_b).sum() + 2))
    share = numpy.where(is_b, 0.5 / is_b.sum(), 0.5 / (~is_b).sum())

    def loss(line: numpy.ndarray) -> tuple[float, numpy.ndarray]:
        odds = line[0] * scores / size + line[1]
        away = share * (1 / (1 + numpy.exp(-numpy.clip(odds, -30, 30))) - targets)
        value = float((share * (numpy.logaddexp(0, odds) - targets * odds)).sum())
        return value, numpy.array([(away * scores / size).sum(), away.sum()])

    found = optimize.minimize(loss, numpy.zeros(2), jac=True, bounds=[(0, None), (None, None)], method="L-BFGS-B").x
    return float(found[0] / size), float(found[1])
