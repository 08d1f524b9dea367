"""Where the first number that is none came from: the step, the operation, the module and the user's line.

The run is repeated up to the step before its loss went bad, and that step and the next are watched operation by operation.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from itertools import islice

import torch

from ...engine.ambient import restored, seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.non_finite import BadOperation, FirstNonFinite
from ..overfit_batch import OverfitBatch
from ..overfit_batch.training import Training

_MODERATE = 1e4  # larger inputs mean that the run had blown up before


@dataclasses.dataclass(frozen=True)
class NumericsCard(Observation):
    """The first bad operation and the step it came in; `edge` is the forward operation behind a backward one. None where all is finite."""

    step: int | None = None
    operation: BadOperation | None = None
    edge: BadOperation | None = None

    @property
    def culprit(self) -> BadOperation | None:
        """The operation to look at: where a backward pass failed, the forward one at the edge of its domain."""
        return self.edge if self.operation is not None and self.operation.backward and self.edge is not None else self.operation

    @property
    def moderate(self) -> bool:
        """Whether what went into it was of ordinary size, so that the operation is the cause and not the last victim."""
        found = self.operation
        return found is not None and all(abs(end) < _MODERATE for span in found.inputs for end in span)

    @classmethod
    def measure(cls, subject: Subject, run: OverfitBatch) -> Iterator[NumericsCard]:
        """Nothing where the run stayed finite; else the run again, up to where it went bad."""
        bad = next((step for step, loss in enumerate(run.losses) if not math.isfinite(loss)), None)
        if bad is None:
            yield cls()
            return
        seeded(subject.seed)
        training = Training(subject)
        steps = iter(training)
        for _ in islice(steps, max(bad - 1, 0)):
            pass
        for step in range(max(bad - 1, 0), bad + 1):
            watch = _watched(subject)
            if watch.found:
                edge = watch.at_edge[-1] if watch.at_edge else None
                yield cls(step, watch.found[0], edge)
                return
            next(steps, None)
        yield cls(bad)


def _watched(subject: Subject) -> FirstNonFinite:
    subject.model.zero_grad(set_to_none=True)
    with restored(subject), torch.enable_grad(), FirstNonFinite(subject.model) as watch:
        loss = loss_of(subject).loss
        if loss.requires_grad:
            watch.backward = True
            loss.backward()
        gradients = [p.grad for p in subject.model.parameters() if p.grad is not None]
        clean = bool(torch.isfinite(loss)) and all(bool(torch.isfinite(g).all()) for g in gradients)
    if clean:
        watch.found.clear()
    return watch
