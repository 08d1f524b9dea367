"""Inputs of one split made to look like those of another: by the mean and deviation of each column or channel, or by all covariances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor, nn

from ..engine.nested import mapped, tensors
from ..engine.subject import Subject
from ..instruments.columns import Columns, columns_of, inputs_of
from ..instruments.target_split import target_of
from .changed_data import like, with_inputs

_FLOOR = 1e-3  # of the largest eigenvalue: what varies less is noise, and is not blown up
Map = Callable[[Tensor], Tensor]


def line(here: Columns, there: Columns) -> Map:
    """The map that gives the continuous columns of `here` the mean and deviation that they have in `there`."""
    moves = here.continuous & there.continuous & (here.deviation > 0) & (there.deviation > 0)
    slope = torch.where(moves, there.deviation / here.deviation.where(moves, torch.ones(())), torch.ones(()))
    offset = torch.where(moves, there.mean - slope * here.mean, torch.zeros(()))
    return lambda given: like(given, given * slope.to(given.device) + offset.to(given.device))


def inputs_aligned(subject: Subject) -> Subject:
    """What the model is given of the target split looks like training data: same mean and deviation of each column or channel."""
    here, there = _two(subject)
    return on_input(subject, line(here, there)) if here is not None and there is not None else subject


def covariances_aligned(subject: Subject) -> Subject:
    """The same with all covariances of the columns (CORAL, Sun et al. 2016, applied to the target instead of the source)."""
    found = target_of(subject)
    if found is None:
        return subject
    here, there = (torch.cat(list(inputs_of(subject, source))).double() for source in (found[1], subject.train))
    turn = _root(here, -0.5) @ _root(there, 0.5)
    middle, goal = here.mean(0), there.mean(0)
    return on_input(
        subject, lambda given: ((given.double() - middle.to(given.device)) @ turn.to(given.device) + goal.to(given.device)).to(given.dtype)
    )


def _root(rows: Tensor, power: float) -> Tensor:
    """The covariance of rows to a power."""
    values, vectors = torch.linalg.eigh(torch.cov(rows.T).reshape(rows.shape[1], -1))
    return (vectors * values.clamp(min=_FLOOR * float(values.max())) ** power) @ vectors.T


def half_restyled(subject: Subject) -> Subject:
    """Half of the training samples, drawn anew at each reading, have the target split's mean and deviation by column or channel."""
    there, here = _two(subject)
    if here is None or there is None:
        return subject
    restyled = line(here, there)

    def change(given: Tensor, numbers: Generator) -> Tensor:
        chosen = (torch.rand(len(given), generator=numbers) < 0.5).to(given.device)
        return torch.where(chosen.reshape(-1, *(1 for _ in given.shape[1:])), restyled(given), given)

    return with_inputs(change)(subject)


def _two(subject: Subject) -> tuple[Columns | None, Columns | None]:
    """The columns of the target split, and those of train."""
    found = target_of(subject)
    return columns_of(subject, found[1]) if found is not None else None, columns_of(subject, subject.train)


def on_input(subject: Subject, change: Map) -> Subject:
    """The subject whose model changes the first tensor that it is given."""

    def entering(module: nn.Module, given: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, Any]:
        first = next(tensors((given, keywords)), None)
        return mapped((given, keywords), lambda tensor: change(tensor) if tensor is first else tensor)

    subject.model.register_forward_pre_hook(entering, with_kwargs=True)
    return subject
