"""Which parameters a forward pass makes for itself, in every call."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator

import torch

from ...cures.batch_size import resized, samples_in
from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.paper import mode_of, on
from ...engine.subject import Subject
from ...instruments.made_in_forward import Made, made_in_forward

_SAMPLES = 32  # of a real batch


@dataclasses.dataclass(frozen=True)
class MadeAnew(Observation):
    """The kinds of modules that a second call made anew, how many parameters, their bytes, and the user's line."""

    kinds: tuple[str, ...] = ()
    parameters: int = 0
    size: int = 0
    where: str = ""
    source: str = ""

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[MadeAnew]:
        """Two calls; what is made in the first only is a lazy layer's."""
        seeded(subject.seed)
        if mode_of(subject) is None and (samples_in(subject.batch) or 0) > _SAMPLES:
            subject = dataclasses.replace(subject, batch=resized(subject.batch, _SAMPLES))
        with on(subject), torch.enable_grad():
            loss_of(subject)
            with made_in_forward(subject.model) as found:
                loss_of(subject)
        yield cls._of(found)

    @classmethod
    def _of(cls, found: list[Made]) -> MadeAnew:
        first = next((made.line for made in found if made.line.place), None)
        return cls(
            kinds=tuple(Counter(made.kind for made in found)),
            parameters=len(found),
            size=sum(made.size for made in found),
            where=first.place if first is not None else "",
            source=first.source if first is not None else "",
        )
