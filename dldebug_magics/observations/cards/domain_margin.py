"""Which operations of the user's own stand at the edge of their domain on this batch, before anything has gone wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.domain_margins import DomainMargins, Margin


@dataclasses.dataclass(frozen=True)
class DomainCard(Observation):
    """The calls at the edge, in order."""

    at_edge: tuple[Margin, ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[DomainCard]:
        """One forward pass and loss, as found."""
        seeded(subject.seed)
        with torch.enable_grad(), DomainMargins(subject.model) as margins:
            loss_of(subject)
        yield cls(tuple(margins.seen))
