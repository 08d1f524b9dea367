"""The batch with its inputs, or its targets, in another shape: what a changed transform or loader would give."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..engine.nested import mapped, tensors
from ..engine.split import split
from ..engine.subject import Subject

Change = Callable[[Tensor], Tensor]


def inputs_changed(change: Change, shape: tuple[int, ...] | None = None) -> Callable[[Subject], Subject]:
    """The cure that changes the inputs (of this shape); with a `step` of the user's own, whatever in the batch has it."""

    def cure(subject: Subject) -> Subject:
        if subject.step is not None:
            return _changed(subject, subject.batch, change, shape)
        arguments, keywords, _ = split(subject, subject.batch)
        return _changed(subject, (arguments, keywords), change, shape)

    return cure


def targets_changed(change: Change, shape: tuple[int, ...] | None = None) -> Callable[[Subject], Subject]:
    """The cure that changes the targets (of this shape)."""

    def cure(subject: Subject) -> Subject:
        if subject.step is not None:
            return subject
        return _changed(subject, split(subject, subject.batch)[2], change, shape)

    return cure


def _changed(subject: Subject, chosen: Any, change: Change, shape: tuple[int, ...] | None) -> Subject:
    wanted = {id(tensor) for tensor in tensors(chosen) if shape is None or tuple(tensor.shape) == shape}
    return dataclasses.replace(subject, batch=mapped(subject.batch, lambda t: change(t) if id(t) in wanted else t))
