"""Two experiments on the batch axis: a batch one sample shorter, and a batch with one sample changed."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import forward
from ...engine.nested import mapped, tensors
from ...engine.subject import Subject

Inside = Callable[[], AbstractContextManager]
_ROUNDING = 1e-4  # of the outputs' spread


def samples(subject: Subject) -> int:
    """The length of the first tensor of the batch; 1 where that has no axis."""
    return next((t.shape[0] for t in tensors(subject.batch) if t.ndim), 1)


def one_fewer(subject: Subject) -> Subject:
    """The subject with the last sample of its batch left out."""
    count = samples(subject)
    return dataclasses.replace(subject, batch=mapped(subject.batch, lambda t: t[:-1] if t.ndim and t.shape[0] == count else t))


def follows(length: int, shorter: int, count: int) -> bool:
    """Whether an axis is made of the samples: with one sample fewer it is shorter by its share.

    >>> follows(32, 31, 32), follows(96, 93, 32), follows(10, 10, 32)
    (True, True, False)
    """
    return length != shorter and length * (count - 1) == shorter * count


def samples_meet(subject: Subject, inside: Inside = contextlib.nullcontext, axis: int = 0) -> bool:
    """Whether outputs of other samples move when the first one along that axis changes, in evaluation mode, inside that context."""
    subject.model.eval()
    clean = _output(subject, subject.batch, inside)
    if clean is None or clean.ndim <= axis:
        return False
    moved = _output(subject, _first_changed(subject, axis, clean.shape[axis]), inside)
    if moved is None or clean.shape != moved.shape:
        return False
    others = (moved - clean).abs().float().movedim(axis, 0)[1:]
    return others.numel() > 0 and float(others.max()) > _ROUNDING * (float(clean.float().std()) or 1.0)


def rows_along(subject: Subject, axis: int) -> int | None:
    """The length of an axis of the model's output; None where it has none of that number."""
    output = _output(subject, subject.batch, contextlib.nullcontext)
    return None if output is None or output.ndim <= axis else output.shape[axis]


def _output(subject: Subject, batch: object, inside: Inside) -> Tensor | None:
    seeded(subject.seed)
    with inside(), torch.enable_grad():
        output, _ = forward(subject, batch)
    return next((t.detach() for t in tensors(output) if t.is_floating_point() and t.ndim), None)


def _first_changed(subject: Subject, axis: int, length: int) -> object:
    """The batch with its first sample replaced by the last, and real values moved on top of that."""

    def changed(tensor: Tensor) -> Tensor:
        if tensor.ndim <= axis or tensor.shape[axis] != length:
            return tensor
        rows = tensor.clone().movedim(axis, 0)
        rows[0] = rows[-1]
        if tensor.is_floating_point():
            rows[0] += tensor.float().std().to(tensor.dtype) + 0.1
        return rows.movedim(0, axis)

    return mapped(subject.batch, changed)
