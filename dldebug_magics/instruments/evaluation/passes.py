"""One pass over a split, in evaluation mode, without gradients, with the weights as they are: what the model is worth there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from ...engine import snapshot
from ...engine.call import forward, loss_of
from ...engine.deadline import TimeSpent
from ...engine.errors import UserMistake
from ...engine.nested import mapped
from ...engine.subject import Subject
from .batches import Groups, batches, length, made_anew
from .pools import Pool
from .shards import sharded
from .worth import Asked, Scored

__all__ = ["Asked", "Scored", "scored"]


def scored(
    subject: Subject, source: Any, name: str, metric: Asked = None, groups: Groups = None, *, pool: Pool | None = None
) -> Iterator[Scored]:
    """Pass over a split; yields the same growing result now and then. The model is the caller's to lend: its modes are changed.

    pool: workers that make the outputs, for the same sums to the last bit.
    """
    found = Scored(subject, metric, groups)
    subject.model.eval()
    with torch.no_grad(), snapshot.reading(source):
        try:
            yield from _in_turn(found, batches(source, name), made_anew(source)) if pool is None else sharded(found, source, name, pool)
        except TimeSpent:
            found.settle()
            raise
        found.settle()  # what waits is judged here, and not where the value is read
    if not found.samples:
        raise UserMistake(f"`{name}` is empty: it yields no sample")


def _in_turn(found: Scored, all_batches: Iterable[Any], spare: bool) -> Iterator[Scored]:
    subject = found.subject
    device = next((p.device for p in subject.model.parameters()), None)
    for batch in all_batches:
        batch = batch if device is None else mapped(batch, lambda t: t.to(device))
        if subject.step is None:
            found.add(batch, *forward(subject, batch, spare=spare))
        else:
            with torch.enable_grad():  # a step may well ask for gradients on its way to a loss
                found.add_loss(float(loss_of(subject, batch).loss.detach()), length((batch,), None))
        yield found
