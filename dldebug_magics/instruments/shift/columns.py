"""Any array as columns that can be compared: numbers of one scale, in which a missing value is something seen."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy

from ...engine.errors import UserMistake

MOST_ROWS = 5000  # of a side: what more rows would show is seen with these
FEWEST_ROWS = 10
MOST_COLUMNS = 1024  # above, columns are folded together
_FARTHEST = 5.0  # standard deviations: one absurd value must not hide all others


def thinned(count: int, most: int, generator: numpy.random.Generator) -> numpy.ndarray:
    """Row numbers, `most` of them drawn without order where there are more; ascending."""
    return numpy.arange(count) if count <= most else numpy.sort(generator.choice(count, most, replace=False))


def flat(values: Any) -> numpy.ndarray:
    """Rows as [n, d]; not copied where it isn't needed."""
    rows = numpy.asarray(values)
    return rows.reshape(len(rows), -1) if rows.size else rows.reshape(len(rows), 0)


def alike(a: Any, b: Any) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Both samples as rows of the same columns.

    Raises: UserMistake where a side has too few rows to say anything, or another number of columns.
    """
    a, b = flat(a), flat(b)
    if min(len(a), len(b)) < FEWEST_ROWS:
        raise UserMistake(f"{len(a)} and {len(b)} samples; a comparison needs at least {FEWEST_ROWS} on either side")
    if a.shape[1] != b.shape[1]:
        raise UserMistake(f"samples of {a.shape[1]} numbers on one side and of {b.shape[1]} on the other; they need the same features")
    return a, b


@dataclasses.dataclass(frozen=True)
class Columns:
    """Learned from rows of both samples without their sides, and so free of what is asked."""

    folds: tuple[numpy.ndarray, numpy.ndarray] | None  # order [d] and signs [d] of columns that are added together
    centre: numpy.ndarray
    scale: numpy.ndarray
    missing: numpy.ndarray  # the columns that get one more, of 0 and 1

    @property
    def relative(self) -> numpy.ndarray:
        """Factors [e] that give columns their own sizes back, up to one factor for all; a missing value counts as a mean column."""
        sizes = numpy.where(numpy.isfinite(self.scale), self.scale, 0.0)
        mean = sizes[sizes > 0].mean() if (sizes > 0).any() else 1.0
        return numpy.concatenate([sizes / mean, numpy.ones(len(self.missing))])

    def __call__(self, rows: numpy.ndarray) -> numpy.ndarray:
        """Rows [n, d] as columns [n, e], of mean 0 and standard deviation 1 on what they were learned from."""
        rows = _folded(rows, self.folds)
        lost = ~numpy.isfinite(rows)
        shown = numpy.where(lost, 0.0, (numpy.where(lost, 0.0, rows) - self.centre) / self.scale)
        return numpy.concatenate([numpy.clip(shown, -_FARTHEST, _FARTHEST), lost[:, self.missing].astype(float)], axis=1)


def columns(rows: numpy.ndarray, generator: numpy.random.Generator) -> Columns:
    """Learned from rows [n, d] of both sides."""
    folds = None
    if rows.shape[1] > MOST_COLUMNS:
        folds = generator.permutation(rows.shape[1]), generator.choice([-1.0, 1.0], rows.shape[1])
    rows = _folded(rows, folds)
    lost = ~numpy.isfinite(rows)
    kept = numpy.maximum((~lost).sum(axis=0), 1)
    centre = numpy.where(lost, 0.0, rows).sum(axis=0) / kept
    scale = numpy.sqrt(numpy.where(lost, 0.0, (rows - centre) ** 2).sum(axis=0) / kept)
    varied = scale > 1e-9 * numpy.maximum(numpy.abs(centre), 1e-30)
    share = lost.mean(axis=0)
    return Columns(folds, centre, numpy.where(varied, scale, numpy.inf), numpy.flatnonzero((share > 0) & (share < 1)))


def _folded(rows: numpy.ndarray, folds: tuple[numpy.ndarray, numpy.ndarray] | None) -> numpy.ndarray:
    """Columns added up by chance and with signs drawn by chance, which keeps distances between rows (M. Charikar et al., 2004)."""
    if folds is None:
        return rows.astype(float)
    rows = numpy.nan_to_num(rows) if rows.dtype.kind == "f" else rows
    starts = numpy.linspace(0, rows.shape[1], MOST_COLUMNS, endpoint=False).astype(int)
    chunk = max(1, 2**24 // rows.shape[1])
    parts = [
        numpy.add.reduceat(rows[start : start + chunk][:, folds[0]] * folds[1], starts, axis=1) for start in range(0, len(rows), chunk)
    ]
    return numpy.concatenate(parts).astype(float)
