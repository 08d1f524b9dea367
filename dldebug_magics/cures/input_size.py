"""Pictures, sequences and their maps of targets in another size: what a transform that enlarges them would give."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..engine.nested import mapped
from ..engine.subject import Subject


def sized(tensor: Tensor, axes: tuple[int, ...], side: int) -> Tensor:
    """The tensor with the shorter of these axes of that length, the others in proportion; nearest neighbours.

    >>> sized(torch.zeros(4, 3, 8, 10), (2, 3), 16).shape
    torch.Size([4, 3, 16, 20])
    """
    shorter = min(tensor.shape[axis] for axis in axes)
    for axis in axes:
        old = tensor.shape[axis]
        new = math.ceil(old * side / shorter)
        tensor = tensor.index_select(axis, torch.arange(new, device=tensor.device) * old // new)
    return tensor


def enlarged(given: tuple[int, ...], axes: tuple[int, ...], side: int) -> Callable[[Subject], Subject]:
    """The cure that brings what has this shape to that size, and with it whatever ends in as many rows and columns."""
    lengths = tuple(given[axis] for axis in axes)

    def change(tensor: Tensor) -> Tensor:
        if tuple(tensor.shape) == given:
            return sized(tensor, axes, side)
        ends = len(axes) > 1 and tensor.ndim > len(axes) and tuple(tensor.shape[-len(axes) :]) == lengths
        return sized(tensor, tuple(range(tensor.ndim - len(axes), tensor.ndim)), side) if ends else tensor

    return lambda subject: dataclasses.replace(subject, batch=mapped(subject.batch, change))
