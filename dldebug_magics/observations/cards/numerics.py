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
            culprit, edge = watched(subject)
            if culprit is not None:
                yield cls(step, culprit, edge)
                return
            next(steps, None)
        yield cls(bad)


def watched(subject: Subject) -> tuple[BadOperation | None, BadOperation | None]:
    """The operation that spoilt the loss, or else a gradient, and the forward operation behind a backward one; None where all is finite."""
    subject.model.zero_grad(set_to_none=True)
    with restored(subject), torch.enable_grad(), FirstNonFinite(subject.model) as watch:
        loss = loss_of(subject).loss
        if loss.requires_grad:
            watch.backward = True
            loss.backward()
    results = [loss, *(p.grad for p in subject.model.parameters() if p.grad is not None)]
    spoilt = [t for t in results if not bool(torch.isfinite(t).all())]
    if not spoilt or not watch.found:
        return None, None
    known = [found for found in map(watch.origin, spoilt) if found is not None]
    culprit = known[0] if known else next((f for f in watch.found if f.backward), watch.found[0])
    return culprit, _edge(culprit, watch.at_edge)


def _edge(culprit: BadOperation, at_edge: list[BadOperation]) -> BadOperation | None:
    """The forward operation at the edge of its domain: of the kind whose gradient failed, or else the last."""
    kind = culprit.node.removesuffix("0").removesuffix("Backward").replace("_", "").lower()
    alike = [edge for edge in at_edge if kind and edge.name.replace("_", "") == kind]
    return next(reversed(alike or at_edge), None)
