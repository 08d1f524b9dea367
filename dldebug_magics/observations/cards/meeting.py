"""One of the two tensors that meet in a loss, in plain numbers."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

Span = tuple[float, float]
_CLOSE = 1e-3
_MOST_VALUES = 64  # distinct values that are listed
_FIRST_LOOK = 4096  # entries: sorting all of a large picture's takes seconds


@dataclasses.dataclass(frozen=True)
class Meeting:
    """An output or a target: its shape, its range, the smallest and largest sum along axis 1 and along the last axis, its values.

    `values` lists the distinct ones where there are few, and is empty otherwise.
    """

    shape: tuple[int, ...]
    span: Span
    class_sums: Span
    last_sums: Span
    values: tuple[float, ...]
    whole: bool
    integer: bool

    @classmethod
    def of(cls, tensor: Tensor, listed: bool) -> Meeting:
        """Look at a tensor of real numbers that is not empty; its distinct values are listed where that is asked for."""
        real = tensor.is_floating_point()
        numbers = tensor.detach().float() if real else tensor.detach().long()
        distinct = _distinct(numbers) if listed else []
        return cls(
            shape=tuple(tensor.shape),
            span=(float(numbers.min()), float(numbers.max())),
            class_sums=_sums(numbers, min(1, numbers.ndim - 1)),
            last_sums=_sums(numbers, numbers.ndim - 1),
            values=tuple(map(float, distinct)) if len(distinct) <= _MOST_VALUES else (),
            whole=not real or bool((numbers == numbers.round()).all()),
            integer=not real,
        )

    @property
    def binary(self) -> bool:
        """Nothing but 0 and 1."""
        return bool(self.values) and set(self.values) <= {0.0, 1.0}

    def numbers(self, samples: int) -> bool:
        """Whether there is one whole number for each of so many samples, none of them below 0."""
        return self.whole and self.shape in ((samples,), (samples, 1)) and self.span[0] >= 0

    @property
    def distribution(self) -> bool:
        """Whether its rows are probabilities, along axis 1 or the last."""
        return self.span[0] >= 0 and len(self.shape) > 1 and (is_one(self.class_sums) or is_one(self.last_sums))


def is_one(span: Span) -> bool:
    """Whether all sums between these ends are 1.

    >>> is_one((0.9999, 1.0)), is_one((1.0, 2.0))
    (True, False)
    """
    return abs(span[0] - 1) < _CLOSE and abs(span[1] - 1) < _CLOSE


def _distinct(numbers: Tensor) -> list[float]:
    """The distinct values; only some of them where there are many."""
    some = torch.unique(numbers.flatten()[:_FIRST_LOOK])
    return (some if len(some) > _MOST_VALUES else torch.unique(numbers)).tolist()


def _sums(numbers: Tensor, axis: int) -> Span:
    sums = numbers.sum(axis) if axis >= 0 else numbers
    return float(sums.min()), float(sums.max())
