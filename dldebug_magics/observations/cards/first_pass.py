"""Where the first number that is none came from, if already the first pass has one: no training is needed to see it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.non_finite import BadOperation
from .numerics import NumericsCard, watched


@dataclasses.dataclass(frozen=True)
class FirstPassCard(Observation):
    """The operation that spoilt the loss of the first pass, or a gradient; None where all is finite."""

    culprit: BadOperation | None = None

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[FirstPassCard]:
        """One pass forward and backward; one more, watched, where it was spoilt."""
        seeded(subject.seed)
        sound = _sound(subject)
        seeded(subject.seed)
        yield cls() if sound else cls(NumericsCard(0, *watched(subject)).culprit)


def _sound(subject: Subject) -> bool:
    """Whether the loss and all gradients are finite."""
    subject.model.zero_grad(set_to_none=True)
    with torch.enable_grad():
        loss = loss_of(subject).loss
        if loss.requires_grad:
            loss.backward()
    results = [loss, *(p.grad for p in subject.model.parameters() if p.grad is not None)]
    return all(bool(torch.isfinite(t).all()) for t in results)
