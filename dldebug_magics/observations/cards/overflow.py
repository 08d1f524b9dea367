"""Whole numbers that wrap, in the model or in the data set: what is calculated with bytes is calculated again with wide numbers.

In a data set the small arrays that it holds are exchanged for wide ones, and a few samples are read both ways. Only where some values are
the same, and all others differ by the length of the kind's range, anything is said.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...engine import snapshot
from ...engine.ambient import seeded
from ...engine.call import forward
from ...engine.nested import parts, tensors
from ...engine.observation import Observation
from ...engine.samples import numbered
from ...engine.subject import Subject
from ...instruments.wrapped_integers import SMALL, Wrapped, WrappedIntegers, widened

_SAMPLES = 4
_SAME = 0.01  # of the values: the least that must be as before
_KINDS = (numpy.uint8, numpy.int8, numpy.int16)


@dataclasses.dataclass(frozen=True)
class OverflowCard(Observation):
    """in_model: the first calculation in `forward` that wraps. in_data: the class of a data set whose samples wrap, with the share."""

    in_model: Wrapped | None = None
    in_data: str = ""
    share: float = 0.0

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[OverflowCard]:
        """One forward pass where the batch holds small whole numbers; a few samples where the data set does."""
        if any(tensor.dtype in SMALL for tensor in tensors(subject.batch)):
            seeded(subject.seed)
            with torch.enable_grad(), WrappedIntegers(subject.model) as watch:
                forward(subject, subject.batch)
            if watch.found:
                yield cls(watch.found[0])
                return
        share, name = _in_data(subject)
        yield cls(in_data=name if share else "", share=share)


def _in_data(subject: Subject) -> tuple[float, str]:
    """The share of the values of a few samples that wrap, and the data set's class."""
    source = numbered(subject.train)
    dataset = None if source is None else source.dataset
    wide = _wide(dataset)
    if wide is None:
        return 0.0, ""
    shares = []
    with snapshot.reading(dataset):
        for number in range(min(_SAMPLES, len(dataset))):
            with contextlib.suppress(TypeError, ValueError, RuntimeError, AttributeError, IndexError):  # it wants small numbers
                seeded(subject.seed)
                plain = _values(dataset[number])
                seeded(subject.seed)
                shares.append(wrapped(plain, _values(wide[number])))
    return (sum(shares) / len(shares) if shares and all(share is not None for share in shares) else 0.0), type(dataset).__name__  # type: ignore[arg-type]


def _wide(dataset: Any) -> Any:
    """The data set with the small whole numbers that it holds as wide ones; None where it holds none."""
    if not isinstance(dataset, Dataset) or not hasattr(dataset, "__dict__"):
        return None
    changed = {}
    for name, value in vars(dataset).items():
        small = (isinstance(value, numpy.ndarray) and value.dtype.type in _KINDS) or (isinstance(value, Tensor) and value.dtype in SMALL)
        other = _Wide(value) if small else _wide(value)
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


def _values(item: Any) -> numpy.ndarray:
    """All numbers of a sample's arrays, in a row."""
    arrays = [numpy.asarray(part, dtype=numpy.float64).ravel() for part in parts(item) if isinstance(part, (Tensor, numpy.ndarray))]
    return numpy.concatenate(arrays) if arrays else numpy.empty(0)


def wrapped(plain: numpy.ndarray, wide: numpy.ndarray) -> float | None:
    """The share of values that lost the length of a range, or several; None where they differ in any other way.

    >>> wrapped(numpy.array([60.0, 4.0, 250.0]), numpy.array([60.0, 260.0, 250.0]))
    0.3333333333333333
    >>> wrapped(numpy.array([0.1, 0.2]), numpy.array([25.5, 51.0])) is None
    True
    """
    if plain.shape != wide.shape or not plain.size:
        return None
    lost = numpy.abs(wide - plain)
    differs = lost > 1e-6 * max(1e-12, numpy.abs(plain).max())
    if not differs.any():
        return 0.0
    turns = lost[differs] / lost[differs].min()
    whole, narrow = numpy.abs(turns - turns.round()).max() < 1e-3, numpy.ptp(plain) < lost[differs].min()
    return float(differs.mean()) if whole and narrow and (~differs).mean() >= _SAME else None
