"""What a statistic would be if nothing but chance told the two samples apart: the same rows, with their sides drawn anew.

Under "same distribution" every way to deal the rows out is as likely as the real one, so the share of them that look at least as different
is a p-value at any sample size, and for the largest of many statistics at once.

Source: P. Good, "Permutation, Parametric, and Bootstrap Tests of Hypotheses" (2005); P. Westfall, S. Young, "Resampling-Based Multiple
Testing" (1993) for the smallest of several p-values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy


def units(groups_a: Sequence[Any] | None, groups_b: Sequence[Any] | None, n_a: int, n_b: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Numbers [n_a + n_b] of what is drawn together: rows of one group on one side. And numbers of the groups, whatever their side.

    >>> units(["x", "y", "x"], ["x"], 3, 1)[0].tolist(), units(["x", "y", "x"], ["x"], 3, 1)[1].tolist()
    ([0, 1, 0, 2], [0, 1, 0, 0])
    """
    if groups_a is None and groups_b is None:
        return numpy.arange(n_a + n_b), numpy.arange(n_a + n_b)
    alone = [("row", place) for place in range(n_a + n_b)]  # a sample whose side knows no groups belongs to itself
    named = list(alone[:n_a] if groups_a is None else map(str, groups_a)) + list(alone[n_a:] if groups_b is None else map(str, groups_b))
    sided = [(name, place < n_a) for place, name in enumerate(named)]
    return _numbered(sided), _numbered(named)


def _numbered(names: Sequence[Any]) -> numpy.ndarray:
    known: dict[Any, int] = {}
    return numpy.array([known.setdefault(name, len(known)) for name in names])


def dealt(unit: numpy.ndarray, n_a: int, draws: int, generator: numpy.random.Generator) -> numpy.ndarray:
    """Which rows are "b" [n, 1 + draws]: in the first column the real ones, in the others the units dealt out anew."""
    owners = numpy.zeros(unit.max() + 1, dtype=bool)
    owners[unit[n_a:]] = True
    anew = generator.permuted(numpy.repeat(owners[:, None], draws, axis=1), axis=0)
    return numpy.concatenate([owners[:, None], anew], axis=1)[unit]


def contrast(is_b: numpy.ndarray) -> numpy.ndarray:
    """Weights [n, draws] under which a sum over rows is (mean of b - mean of a), in units of its standard deviation for variance 1."""
    n_b = is_b.sum(axis=0)
    n_a = len(is_b) - n_b
    return numpy.where(is_b, 1 / n_b, -1 / n_a) * numpy.sqrt(n_a * n_b / (n_a + n_b))


def tails(statistics: numpy.ndarray) -> numpy.ndarray:
    """Of statistics [tests, 1 + draws], the p-value of each test [tests]: the share of columns that are at least the first.

    >>> tails(numpy.array([[3.0, 1.0, 2.0, 3.0]])).tolist()
    [0.5]
    """
    slack = 1e-9 * numpy.abs(statistics[:, :1])  # two ways to deal out that are one differ by rounding
    return numpy.mean(statistics >= statistics[:, :1] - slack, axis=1)


def surprise(statistics: numpy.ndarray) -> numpy.ndarray:
    """The statistics [tests, 1 + draws] on one scale: -log p of a gamma distribution with each test's mean, variance and skewness.

    Every column goes in alike, so that the largest of several is still a fair statistic; and it has no ties, which counts would have.
    """
    from scipy import stats

    centre, spread = statistics.mean(axis=1, keepdims=True), statistics.std(axis=1, keepdims=True)
    apart = (statistics - centre) / numpy.where(spread > 0, spread, 1)
    skew = numpy.clip(numpy.mean(apart**3, axis=1, keepdims=True), 0.05, None)
    shape = 4 / skew**2
    surprising = -stats.gamma.logsf(numpy.maximum(apart * numpy.sqrt(shape) + shape, 1e-9), shape)
    return numpy.minimum(surprising, 700 + apart)  # beyond what numbers hold, their order is kept
