"""How the loss is taken over the samples: a batch taken twice leaves a mean as it is, and doubles a sum.

Taken three times as well, because a loss over pairs, or one that is compared with the other samples, may double by chance, but not treble.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import torch

from ...engine.ambient import seeded
from ...engine.call import loss_of, split
from ...engine.nested import mapped, tensors
from ...engine.observation import Observation
from ...engine.subject import Subject

_CLOSE = 0.02


@dataclasses.dataclass(frozen=True)
class ReductionCard(Observation):
    """The loss of the batch taken twice and three times over that of the batch; how many samples and how many targets there are.

    `written` is the reduction that torch's own loss was given, empty where the loss is written by hand.
    """

    samples: int
    targets: int
    doubled: float
    trebled: float
    written: str

    @property
    def sums(self) -> bool:
        """Whether the loss is the sum over the samples."""
        return math.isclose(self.doubled, 2, rel_tol=_CLOSE) and math.isclose(self.trebled, 3, rel_tol=_CLOSE)

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[ReductionCard]:
        """Three forward passes in evaluation mode; nothing where the tensors of the batch don't share their first axis."""
        lengths = {t.shape[0] if t.ndim else 0 for t in tensors(subject.batch)}
        if len(lengths) != 1 or not max(lengths):
            return
        subject.model.eval()
        try:
            once, twice, thrice = (_loss(subject, times) for times in (1, 2, 3))
        except Exception:  # a model made for this one size of batch, or one that crashes anyway: the run says so
            return
        if math.isfinite(once) and abs(once) > 1e-9:
            found = [] if subject.step is not None else [t for t in tensors(split(subject, subject.batch)[2])]
            count, written = max(lengths), str(getattr(subject.loss_fn, "reduction", ""))
            yield cls(count, found[0].numel() if found else count, twice / once, thrice / once, written)


def _loss(subject: Subject, times: int) -> float:
    batch = mapped(subject.batch, lambda t: torch.cat([t] * times))
    seeded(subject.seed)
    with torch.enable_grad():
        return float(loss_of(subject, batch).loss.detach())
