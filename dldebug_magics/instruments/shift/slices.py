"""Which regions of the features carry a shift: a small tree finds them on one half of the rows, the other half must confirm.

Source: Y. Chung et al., "Slice Finder" (2019) for regions as rules on features; the confirmation on rows that did not choose is what makes
their p-values hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy

from .columns import alike
from .marginals import holm

DEEP, MOST_ROWS = 3, 20_000
Step = tuple[int, str, float]


@dataclasses.dataclass(frozen=True)
class Slice:
    """A region, the share of either side that lies in it, and the errors there: all of them counted on rows that did not choose it.

    rule: (feature, "<=" or ">", threshold), all of which hold; a missing value is below every number, "<= -inf" means missing.
    """

    rule: tuple[Step, ...]
    share_a: float
    share_b: float
    error_a: float | None
    error_b: float | None
    p: float  # that the shares are the same, corrected for the number of regions that were asked about


def slices(a: Any, b: Any, wrong_a: Any = None, wrong_b: Any = None, *, seed: int, most: int = 5) -> tuple[Slice, ...]:
    """Up to `most` regions of a [n, d] and b [m, d] whose shares differ, the largest difference first.

    wrong_a [n], wrong_b [m]: 1 where the answer was wrong.
    """
    generator = numpy.random.default_rng(seed)
    a, b = (side.astype(float) for side in alike(a, b))
    halves = [generator.permutation(len(side)) for side in (a, b)]
    chosen = [half[: min(len(half) // 2, MOST_ROWS)] for half in halves]
    asked = [half[len(half) // 2 :] for half in halves]
    rules = list(_regions(a[chosen[0]], b[chosen[1]], seed))
    found = [_counted(rule, (a, wrong_a, asked[0]), (b, wrong_b, asked[1])) for rule in rules]
    adjusted = holm([part.p for part in found])
    sure = [dataclasses.replace(part, p=float(p)) for part, p in zip(found, adjusted, strict=True) if p < 0.05]
    return tuple(sorted(sure, key=lambda part: -abs(part.share_b - part.share_a))[:most])


def _regions(a: numpy.ndarray, b: numpy.ndarray, seed: int) -> Iterator[tuple[Step, ...]]:
    from sklearn.tree import DecisionTreeClassifier

    rows = numpy.concatenate([a, b])
    known = numpy.isfinite(rows)
    lowest, highest = (end(numpy.where(known, rows, other), axis=0) for end, other in ((numpy.min, numpy.inf), (numpy.max, -numpy.inf)))
    lowest, highest = numpy.nan_to_num(lowest, posinf=0.0), numpy.nan_to_num(highest, neginf=0.0)
    below = lowest - 1 - numpy.abs(lowest)
    filled = numpy.where(numpy.isnan(rows), below, numpy.clip(rows, lowest, highest))
    sides = numpy.repeat([0, 1], [len(a), len(b)])
    least = max(5, len(rows) // 50)
    tree = (
        DecisionTreeClassifier(max_depth=DEEP, min_samples_leaf=least, class_weight="balanced", random_state=seed).fit(filled, sides).tree_
    )
    yield from _leaves(tree, 0, {}, lowest)


def _leaves(tree: Any, node: int, sides: dict[tuple[int, str], float], lowest: numpy.ndarray) -> Iterator[tuple[Step, ...]]:
    if tree.children_left[node] < 0:
        if sides:
            yield tuple((feature, sign, threshold) for (feature, sign), threshold in sorted(sides.items()))
        return
    feature, threshold = int(tree.feature[node]), float(tree.threshold[node])
    threshold = threshold if threshold >= lowest[feature] else -numpy.inf
    yield from _leaves(tree, int(tree.children_left[node]), {**sides, (feature, "<="): threshold}, lowest)
    yield from _leaves(tree, int(tree.children_right[node]), {**sides, (feature, ">"): threshold}, lowest)


def inside(rule: tuple[Step, ...], rows: numpy.ndarray) -> numpy.ndarray:
    """Which rows [n, d] lie in the region [n].

    >>> inside(((0, "<=", 1.0), (0, ">", -numpy.inf)), numpy.array([[0.5], [2.0], [numpy.nan]])).tolist()
    [True, False, False]
    """
    held = numpy.ones(len(rows), dtype=bool)
    for feature, sign, threshold in rule:
        low = numpy.isnan(rows[:, feature]) | (rows[:, feature] <= threshold)
        held &= low if sign == "<=" else ~low
    return held


def _counted(rule: tuple[Step, ...], *sides: tuple[numpy.ndarray, Any, numpy.ndarray]) -> Slice:
    from scipy import stats

    shares, errors, table = [], [], []
    for rows, wrong, asked in sides:
        held = inside(rule, rows)[asked]
        shares.append(float(held.mean()))
        errors.append(None if wrong is None or not held.any() else float(numpy.asarray(wrong, dtype=float)[asked][held].mean()))
        table.append([int(held.sum()), int((~held).sum())])
    return Slice(rule, shares[0], shares[1], errors[0], errors[1], float(stats.fisher_exact(table).pvalue))
