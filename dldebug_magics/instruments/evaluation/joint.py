"""Resamples of several splits at once: a group that is drawn brings its samples of each of them.

Two levels that were measured on the same patients rise and fall together, and their difference varies less than the levels do. Where a
group stands in one split alone it is drawn for that one alone. Source: A. Cameron, J. Gelbach, D. Miller, "Bootstrap-Based Improvements for
Inference with Clustered Errors" (2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy

from .bootstrap import DRAWS, drawn
from .buckets import Buckets
from .kept import Kept, resampled
from .metrics import Metric

if TYPE_CHECKING:
    from .passes import Scored


def drawn_jointly(found: Sequence[Scored], generator: numpy.random.Generator) -> numpy.ndarray:
    """The metric on `DRAWS` resamples, a column a split, [DRAWS, splits]. Rows in which a split has no value are replaced by others."""
    if isinstance(found[0].sums, Kept):
        return resampled([cast("Kept", each.sums) for each in found], generator, DRAWS)
    draws = _of_buckets([cast("Buckets", each.sums) for each in found], cast("Metric", found[0].metric), generator)
    finite = draws[numpy.isfinite(draws).all(axis=1)]
    return draws if len(finite) in (0, len(draws)) else numpy.resize(finite, draws.shape)


def _of_buckets(held: Sequence[Buckets], metric: Metric, generator: numpy.random.Generator) -> numpy.ndarray:
    some = numpy.zeros(len(held[0].samples), dtype=bool)
    for each in held:
        some |= each.count > 0 and each.samples > 0  # asking for the count puts all that waits in its place
    width = held[0].sums.shape[1]
    rows = numpy.concatenate([each.sums[some] for each in held], axis=1)
    prior = [_beside(row, place, len(held)) for row in metric.prior for place in range(len(held))]
    return drawn(rows, lambda sums: metric.value(sums.reshape(len(sums), len(held), width)), prior, generator)


def _beside(row: Sequence[float], place: int, count: int) -> list[float]:
    """A row of one split, with nothing in the others.

    >>> _beside([1.0, 2.0], 1, 3)
    [0.0, 0.0, 1.0, 2.0, 0.0, 0.0]
    """
    found = [0.0] * len(row) * count
    found[place * len(row) : (place + 1) * len(row)] = row
    return found
