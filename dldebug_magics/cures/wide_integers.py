"""Calculations with small whole numbers done with wide ones, in the model or in the data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ..engine import snapshot
from ..engine.ambient import seeded
from ..engine.examine import device_of
from ..engine.nested import copied, mapped, tensors
from ..engine.samples import numbered
from ..engine.subject import Subject
from ..instruments.wide_dataset import wide_twin
from ..instruments.wrapped_integers import CALCULATING, widened
from .rewrite import rewritten


def calculated_wide(subject: Subject) -> Subject:
    """Every sum, difference and product of small whole numbers is one of wide numbers."""

    def change(function: Callable, *args: Any, **kwargs: Any) -> Any:
        return function(*mapped(args, widened), **mapped(kwargs, widened))

    return rewritten(subject, CALCULATING, change)


def read_wide(subject: Subject) -> Subject:
    """A batch of the first samples, as the data set gives them where its own arrays hold wide numbers."""
    source, like = numbered(subject.train), next(tensors(subject.batch), None)
    wide = None if source is None else wide_twin(source.dataset)
    if source is None or wide is None or like is None:
        return subject
    seeded(subject.seed)
    with snapshot.reading(source.dataset):
        batch = source.collate([wide[number] for number in range(min(len(like), len(source.dataset)))])
    return dataclasses.replace(subject, batch=copied(batch, device_of(subject)))
