"""One scale in training, another in validation: whether all columns of the one are those of the other times one factor, plus one number.

A real shift moves columns by amounts of their own; one factor for all of them is the work of one transform. Widths are distances between
quantiles, so that a few outliers are no scale.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from .material import Material

_SAMPLES = 50
_COLUMNS = 4
_ROWS, _MOST = 500, 200  # at most so many rows and columns, at even distances
_FACTOR = 2.5
_EVEN = 0.2  # how far, in the logarithm, single columns may be from the common factor; and their middles, in widths


@dataclasses.dataclass(frozen=True)
class Rescaled:
    """The inputs of split `role` are those of train times `factor` plus `offset`, in the median of so many columns."""

    role: str
    factor: float
    offset: float
    columns: int


def rescaled(train: Material, other: Material) -> Rescaled | None:
    """The common factor of all columns; None where there is none, where it is near one, or where too little was read to tell."""
    here, there = _rows(train), _rows(other)
    if here is None or there is None or here.shape[1] != there.shape[1]:
        return None
    (width, middle), (other_width, other_middle) = _spread(here), _spread(there)
    vary = (width > 0) & (other_width > 0)
    if int(vary.sum()) < _COLUMNS:
        return None
    ratios = (other_width[vary] / width[vary]).log()
    common = ratios.median()
    factor = float(common.exp())
    moved = other_middle[vary] - factor * middle[vary]
    uneven = max(float((ratios - common).abs().median()), float(((moved - moved.median()) / other_width[vary]).abs().median()))
    if uneven > _EVEN or abs(math.log(factor)) < math.log(_FACTOR):
        return None
    return Rescaled(other.role, factor, float(moved.median()), int(vary.sum()))


def _rows(split: Material) -> Tensor | None:
    points = split.all_points()
    enough = points is not None and len(points) >= _SAMPLES and split.single and "float" in split.inputs[0].dtype
    if points is None or not enough:
        return None
    rows = points.flatten(1)
    return rows[:: 1 + len(rows) // _ROWS, :: 1 + rows.shape[1] // _MOST]


def _spread(rows: Tensor) -> tuple[Tensor, Tensor]:
    """(distance from the lowest tenth to the highest, middle) of each column."""
    low, middle, high = rows.quantile(torch.tensor([0.1, 0.5, 0.9], dtype=rows.dtype), dim=0)
    return high - low, middle
