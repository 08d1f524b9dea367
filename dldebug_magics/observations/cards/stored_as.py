"""Inputs whose numbers are absurd as they are read, and sane if the same bytes are read as another kind of number.

A float read in the wrong way has any exponent: values of 1e30 stand beside values of 1e-30. Only where all of one reading is sane and much
of the other is absurd anything is said.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.input_tensors import input_tensors

_HUGE, _TINY = 1e20, 1e-20  # nothing that is measured or computed goes beyond
_SANE = 1e6
_SHARE = 0.1  # of the numbers
_FEWEST = 16
_WIDE = (torch.float64, torch.float32, torch.int64, torch.int32)  # of 16 bits any reading is sane

Reading = Callable[[Tensor], Tensor]


@dataclasses.dataclass(frozen=True)
class StoredAsCard(Observation):
    """An input of this `dtype` and `shape`: its largest number as it is read, the share that is absurd, and the reading that is sane.

    `reading` says how ("float64", "the other byte order"), `sane` the smallest and largest number then; empty where nothing was found.
    """

    dtype: str = ""
    shape: tuple[int, ...] = ()
    largest: float = 0.0
    absurd: float = 0.0
    reading: str = ""
    sane: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[StoredAsCard]:
        """The bytes of the inputs are looked at; nothing is run."""
        inputs, _ = input_tensors(subject)
        found = [card for tensor in inputs for card in [_looked(tensor.detach().cpu().contiguous())] if card is not None]
        yield found[0] if found else cls()


def _looked(tensor: Tensor) -> StoredAsCard | None:
    share = _absurd(tensor)
    if tensor.numel() < _FEWEST or tensor.ndim < 1 or share < _SHARE:
        return None
    kind = str(tensor.dtype).removeprefix("torch.")
    largest = float(tensor.double().abs().nan_to_num(nan=0.0, posinf=torch.inf).max())
    for name, reading in readings(tensor):
        numbers = reading(tensor)
        if _is_sane(numbers):
            return StoredAsCard(kind, tuple(tensor.shape), largest, share, name, (float(numbers.min()), float(numbers.max())))
    return None


def readings(tensor: Tensor) -> Iterator[tuple[str, Reading]]:
    """The ways in which the bytes of a tensor may have been meant, the most telling first."""
    if tensor.dtype in _WIDE:
        yield "the other byte order", swapped
    for other in _WIDE:
        if other != tensor.dtype and tensor.shape[-1] * tensor.element_size() % other.itemsize == 0:
            yield str(other).removeprefix("torch."), functools.partial(_bytes_as, kind=other)


def _bytes_as(tensor: Tensor, kind: torch.dtype) -> Tensor:
    return tensor.view(kind)


def swapped(tensor: Tensor) -> Tensor:
    """The same numbers with the bytes of each in the other order.

    >>> float(swapped(torch.tensor([1.0])))
    4.600602988224807e-41
    """
    size = tensor.element_size()
    return tensor.contiguous().view(torch.uint8).view(*tensor.shape, size).flip(-1).contiguous().view(tensor.dtype).view(tensor.shape)


def is_absurd(tensor: Tensor) -> bool:
    """Whether much of it is not finite, huge, or next to nothing."""
    return tensor.is_floating_point() and _absurd(tensor) >= _SHARE


def _absurd(tensor: Tensor) -> float:
    """The share of numbers that are not finite, huge, or next to nothing."""
    sizes = tensor.double().abs()
    absurd = ~torch.isfinite(sizes) | (sizes > _HUGE) | ((sizes > 0) & (sizes < _TINY))
    return float(absurd.double().mean()) if tensor.numel() else 0.0


def _is_sane(numbers: Tensor) -> bool:
    """Whether all are of a size that data have, and they are not all one."""
    sizes = numbers.double().abs()
    fine = torch.isfinite(sizes) & (sizes < _SANE) & ((sizes == 0) | (sizes > 1 / _SANE / _SANE))
    return bool(fine.all()) and len(torch.unique(numbers)) > 2
