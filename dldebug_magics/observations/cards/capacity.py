"""How much a model could remember: its parameters and narrowest layer, what the batch asks for, and whether it can be made wider."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from ...cures.capacity import TIMES, widened
from ...engine.ambient import seeded
from ...engine.call import loss_of, split
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.signals import Signals
from ..overfit_batch import OverfitBatch


@dataclasses.dataclass(frozen=True)
class CapacityCard(Observation):
    """`asked` counts the target numbers of the batch, `narrowest` is the width of the narrowest hidden layer.

    `wider` is how many parameters a copy with `TIMES` the hidden widths has; None where the model can't be widened.
    """

    parameters: int
    asked: int
    narrowest: int
    wider: int | None
    times: int = TIMES

    @classmethod
    def measure(cls, subject: Subject, run: OverfitBatch) -> Iterator[CapacityCard]:
        """A forward pass, and one of a wider copy; nothing where the batch was memorised, the run crashed, or the target is the input."""
        if run.passed or run.crash is not None or subject.step is not None or _reproduces(subject):
            return
        seeded(subject.seed)
        with torch.enable_grad(), Signals(subject.model) as signals:
            loss_of(subject)
        widths = [p.entering.shape[1 if p.function.startswith("conv") else -1] for p in signals.passings if p.entering.requires_grad]
        parameters = sum(p.numel() for p in subject.model.parameters())
        asked = sum(t.numel() for t in tensors(split(subject, subject.batch)[2]))
        if widths:
            yield cls(parameters, asked, min(widths), _wider(subject, parameters))


def _reproduces(subject: Subject) -> bool:
    """Whether the targets are the inputs: an autoencoder's narrow code is its purpose."""
    arguments, keywords, targets = split(subject, subject.batch)
    inputs = list(tensors((arguments, keywords)))
    return any(a.numel() == t.numel() and torch.equal(a.flatten(), t.flatten()) for a in inputs for t in tensors(targets))


def _wider(subject: Subject, parameters: int) -> int | None:
    """The size of a wider copy, or None: whatever a model can't take with other widths shows when it is run with them."""
    every = [p for _, p in subject.model.named_parameters(remove_duplicate=False)]
    if len({id(p) for p in every}) < len(every):
        return None
    try:
        wider = widened(subject)
        with torch.enable_grad():
            loss_of(wider)
    except Exception:  # a width that is written down elsewhere in the model
        return None
    count = sum(p.numel() for p in wider.model.parameters())
    return count if count > parameters else None
