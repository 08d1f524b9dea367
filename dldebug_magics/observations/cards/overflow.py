"""Whole numbers that wrap, in the model or in the data set: what is calculated with bytes is calculated again with wide numbers.

In a data set the small arrays that it holds are exchanged for wide ones, and a few samples are read both ways. Only where many values are
the same, and all others differ by the length of the kind's range, anything is said.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy
import torch
from torch import Tensor

from ...engine import snapshot
from ...engine.ambient import seeded
from ...engine.call import forward
from ...engine.nested import parts, tensors
from ...engine.observation import Observation
from ...engine.samples import numbered
from ...engine.subject import Subject
from ...instruments.wide_dataset import wide_twin
from ...instruments.wrapped_integers import SMALL, Wrapped, WrappedIntegers

_SAMPLES = 4
_SAME = 8  # distinct values, the least that must be as before: another scale leaves the zero of each channel alone


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
    wide = None if source is None else wide_twin(source.dataset)
    if source is None or wide is None:
        return 0.0, ""
    with snapshot.reading(source.dataset), contextlib.suppress(TypeError, ValueError, RuntimeError, AttributeError, IndexError):
        return wrapped(_samples(subject, source.dataset), _samples(subject, wide)) or 0.0, type(source.dataset).__name__
    return 0.0, ""  # its samples can't be read with wide numbers


def _samples(subject: Subject, dataset: Any) -> numpy.ndarray:
    """All numbers of a few samples, read with the same random numbers each time."""
    seeded(subject.seed)
    return numpy.concatenate([_values(dataset[number]) for number in range(min(_SAMPLES, len(dataset)))])


def _values(item: Any) -> numpy.ndarray:
    """All numbers of a sample's arrays, in a row."""
    arrays = [numpy.asarray(part, dtype=numpy.float64).ravel() for part in parts(item) if isinstance(part, (Tensor, numpy.ndarray))]
    return numpy.concatenate(arrays) if arrays else numpy.empty(0)


def wrapped(plain: numpy.ndarray, wide: numpy.ndarray) -> float | None:
    """The share of values that lost the length of a range, or several; None where they differ in any other way.

    >>> wrapped(numpy.array([*range(50, 60), 4.0, 5.0]), numpy.array([*range(50, 60), 260.0, 261.0]))
    0.16666666666666666
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
    return float(differs.mean()) if whole and narrow and len(numpy.unique(plain[~differs])) >= _SAME else None
