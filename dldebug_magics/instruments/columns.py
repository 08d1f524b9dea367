"""What the columns or channels of a split's inputs are like: their mean and deviation, and which of them are continuous."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ..engine.deadline import TimeSpent
from ..engine.samples import portions
from ..engine.subject import Subject
from .modality import PICTURES, form_of, main_input

SAMPLES = 4096  # that are read of a split: a mean is then known to a sixtieth of the deviation
_FEW = 10  # values: fewer are categories, or counts


@dataclasses.dataclass(frozen=True)
class Columns:
    """Each shaped so that it can be broadcast against a batch of inputs."""

    mean: Tensor
    deviation: Tensor
    continuous: Tensor


def inputs_of(subject: Subject, source: Any, samples: int = SAMPLES) -> Iterator[Tensor]:
    """The inputs of a split, in batches, without its labels; the first tensor where there are several."""
    for portion in portions(source, samples):
        if time.monotonic() > subject.deadline:
            raise TimeSpent
        given = main_input(subject, portion.batch)
        if given is not None:
            yield given.detach()


def columns_of(subject: Subject, source: Any) -> Columns | None:
    """Means and deviations (of the whole population, not of a sample) by channel or column; None where there is nothing to read.

    A picture's channels are always continuous; a column is where it has more than a few values, or some that are no whole numbers.
    """
    form = form_of(subject)
    count, shift, total, squares, seen = 0, torch.zeros(()), torch.zeros(()), torch.zeros(()), list[Tensor]()
    for given in inputs_of(subject, source):
        axes = [axis for axis in range(given.ndim) if axis != form.axis]
        values = given.double()
        shift = shift if count else values.mean(axes, keepdim=True)  # sums of small numbers lose no digits
        total = total + (values - shift).sum(axes, keepdim=True)
        squares = squares + (values - shift).square().sum(axes, keepdim=True)
        count += given.numel() // total.numel()
        seen.append(given[:64])
    if not count:
        return None
    mean = total / count
    deviation = (squares / count - mean.square()).clamp(min=0).sqrt()
    continuous = torch.ones_like(mean, dtype=torch.bool) if form.kind == PICTURES else _continuous(seen, form.axis)
    return Columns((shift + mean).float(), deviation.float(), continuous.reshape(mean.shape))


def _continuous(seen: list[Tensor], axis: int | None) -> Tensor:
    values = torch.cat([given.movedim(axis, -1).flatten(0, -2) if axis is not None else given.reshape(-1, 1) for given in seen]).float()
    return torch.tensor([len(column.unique()) > _FEW or bool((column != column.round()).any()) for column in values.unbind(1)])
