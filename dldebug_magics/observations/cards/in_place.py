"""What was written over though the backward pass needs it: looked for where a program broke over a write in place."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.overwritten import Overwriting, Overwritten
from ..shape_trace import ShapeTrace


@dataclasses.dataclass(frozen=True)
class InPlaceCard(Observation):
    """writes: the calls that did it, each once, in their order. layers: those among them that are modules told to be `inplace`."""

    writes: tuple[Overwriting, ...] = ()
    layers: tuple[str, ...] = ()

    @classmethod
    def measure(cls, subject: Subject, trace: ShapeTrace) -> Iterator[InPlaceCard]:
        """One forward pass and loss, watched; nothing where the program did not break over a write."""
        failure = trace.failure
        if failure is None or not (failure.says("inplace operation") or failure.says("in-place operation")):
            return
        seeded(subject.seed)
        with torch.enable_grad(), Overwritten(subject.model) as watch:
            try:
                loss_of(subject)
            except RuntimeError:  # a write that torch refuses at once: the trace has it
                yield cls()
                return
        writes = tuple(dict.fromkeys(watch.found))
        named = dict(subject.model.named_modules())
        layers = tuple(dict.fromkeys(w.module for w in writes if w.module and getattr(named[w.module], "inplace", False) is True))
        yield cls(writes, layers)
