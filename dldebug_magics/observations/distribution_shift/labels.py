"""How often each class is true on either side: counted where both have labels, else estimated from what the model says there."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy

from ...instruments.evaluation.bootstrap import Interval
from ...instruments.shift.decision import decision
from ...instruments.shift.label_shares import label_shares
from ...instruments.shift.marginals import marginals
from ...instruments.shift.views import View

_MOST = 100  # classes whose shares say something in few samples
_DEVIATIONS = 1.96
_FEW = 5  # samples of a class that was never seen on the other side: less may be chance


@dataclasses.dataclass(frozen=True)
class Labels:
    """The classes, their shares in source and target with the target's intervals, and the p-value of their being the same.

    `counted`: from labels on both sides; else estimated, and `sound` where the model tells the classes apart. `new`: classes that the
    target has and the source has not.
    """

    classes: tuple[int, ...]
    source: tuple[float, ...]
    target: tuple[float, ...]
    intervals: tuple[Interval, ...]
    p: float
    counted: bool
    sound: bool = True
    new: tuple[int, ...] = ()


def labels_of(a: View, b: View, held_out: bool, groups: tuple[Sequence[Any], Sequence[Any]] | None, seed: int) -> Labels | None:
    """The shares on both sides; None where there are no classes, or nothing to tell them by.

    What a model says of its own training data tells nothing of the mistakes that it makes elsewhere: then nothing is estimated.
    """
    true_a, true_b, said_a, said_b = (view.whole(name) for name in ("true", "said") for view in (a, b))
    known = true_a is not None and true_b is not None
    if true_a is None or not (known or (held_out and said_a is not None and said_b is not None)):
        return None
    classes = numpy.unique(numpy.concatenate([true_a, *([true_b] if true_b is not None else [])]))
    classes = classes[classes >= 0]
    if not 2 <= len(classes) <= _MOST:
        return None
    if true_b is not None:
        return _counted(true_a, true_b, classes, groups, seed)
    assert said_a is not None and said_b is not None, "asked above"
    count = int(max(true_a.max(), said_a.max(), said_b.max())) + 1
    found = label_shares(true_a[true_a >= 0], said_a[true_a >= 0], said_b, count, seed=seed)
    places = tuple(int(c) for c in classes)
    shares = [tuple(float(side[c]) for c in places) for side in (found.source, found.target)]
    return Labels(places, shares[0], shares[1], tuple(found.intervals[c] for c in places), found.p, counted=False, sound=found.sound)


def _counted(a: numpy.ndarray, b: numpy.ndarray, classes: numpy.ndarray, groups: Any, seed: int) -> Labels:
    counts = [numpy.array([(side == c).sum() for c in classes]) for side in (a, b)]
    sizes = [max(1, int(count.sum())) for count in counts]
    if groups is None:
        p = marginals(a[:, None], b[:, None], [True])[0].p
    else:  # samples of one group are no independent counts
        hot = [(side[:, None] == classes).astype(float) for side in (a, b)]
        p = decision({"labels": hot[0]}, {"labels": hot[1]}, seed=seed, groups_a=groups[0], groups_b=groups[1]).p
    shares = [tuple(float(n) / size for n in count) for count, size in zip(counts, sizes, strict=True)]
    new = tuple(int(c) for c, n, m in zip(classes, *counts, strict=True) if n == 0 and m >= _FEW)
    spans = tuple(wilson(int(n), sizes[1]) for n in counts[1])
    return Labels(tuple(int(c) for c in classes), shares[0], shares[1], spans, p, counted=True, new=new)


def wilson(hits: int, count: int) -> Interval:
    """The 95 % interval of a share (E. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927).

    >>> found = wilson(10, 100)
    >>> round(found.low, 3), round(found.high, 3)
    (0.055, 0.174)
    """
    share, extra = hits / count, _DEVIATIONS**2 / count
    middle = (share + extra / 2) / (1 + extra)
    half = _DEVIATIONS / (1 + extra) * math.sqrt(share * (1 - share) / count + extra / (4 * count))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def same_mixture(a: numpy.ndarray, b: numpy.ndarray, seed: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """As many samples of each class on both sides as there can be: the numbers of the samples kept, which are drawn by chance."""
    draws = numpy.random.default_rng(seed)
    kept: tuple[list[numpy.ndarray], list[numpy.ndarray]] = ([], [])
    for label in numpy.intersect1d(a[a >= 0], b[b >= 0]):
        places = [numpy.flatnonzero(side == label) for side in (a, b)]
        count = min(map(len, places))
        for side, found in zip(kept, places, strict=True):
            side.append(draws.permutation(found)[:count])
    return tuple(numpy.concatenate(side) if side else numpy.zeros(0, int) for side in kept)  # type: ignore[return-value]


def thinned(labels: Labels, true: numpy.ndarray, count: int, seed: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Of the source as many samples of each class as the target seems to have for each; of the target, of which there are `count`, all."""
    weights = dict(zip(labels.classes, (b / a if a else 0.0 for a, b in zip(labels.source, labels.target, strict=True)), strict=True))
    weight = numpy.array([weights.get(int(label), 0.0) for label in true])
    kept = numpy.random.default_rng(seed).random(len(true)) < weight / max(weight.max(), 1e-12)
    return numpy.flatnonzero(kept), numpy.arange(count)
