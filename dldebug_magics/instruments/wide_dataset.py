"""A data set that calculates with wide whole numbers where its own arrays are small: what it gives then shows what wrapped."""

from __future__ import annotations

import copy
from typing import Any

import numpy
from torch import Tensor
from torch.utils.data import Dataset

from .wrapped_integers import SMALL, widened

_KINDS = (numpy.uint8, numpy.int8, numpy.int16)


def wide_twin(dataset: Any) -> Any:
    """The data set with the small whole numbers that it holds as wide ones; None where it holds none."""
    if not isinstance(dataset, Dataset) or not hasattr(dataset, "__dict__"):
        return None
    changed = {}
    for name, value in vars(dataset).items():
        small = (isinstance(value, numpy.ndarray) and value.dtype.type in _KINDS) or (isinstance(value, Tensor) and value.dtype in SMALL)
        other = _Wide(value) if small else wide_twin(value)
        changed.update({name: other} if other is not None else {})
    if not changed:
        return None
    twin = copy.copy(dataset)
    vars(twin).update(changed)
    return twin


class _Wide:
    """An array, the pieces of which are wide when they are taken out."""

    def __init__(self, array: Any):
        self._array = array

    def __getitem__(self, key: Any) -> Any:
        piece = self._array[key]
        return widened(piece) if isinstance(piece, Tensor) else piece.astype(numpy.int64)

    def __len__(self) -> int:
        return len(self._array)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._array, name)
