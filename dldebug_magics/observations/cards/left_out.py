"""Which labels the loss leaves out of the whole training set, held against validation: are there classes that training never teaches?

Read only where the batch itself has labels that are left out, for reading a set may take a while.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from ...engine.call import split
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.samples import portions, readable
from ...engine.subject import Subject
from .targets import TargetCard

_READ = 1000  # samples of a split


@dataclasses.dataclass(frozen=True)
class LeftOutCard(Observation):
    """Shares of the labels that are left out in `train` and `val`; `batches` of training read, with `taught` labels that count.

    `missing` are the classes of validation that none of these has, and `missing_share` is their share of the validation labels.
    """

    train: float = 0.0
    val: float = 0.0
    batches: int = 0
    taught: int = 0
    missing: tuple[int, ...] = ()
    missing_share: float = 0.0

    @property
    def never_taught(self) -> bool:
        """Whether chance can't have kept the missing classes out of training, and the left-out labels can."""
        by_chance = (1 - self.missing_share) ** self.taught
        return self.missing_share > 0 and by_chance < 1e-6 and self.train - self.val > 0.5 * self.missing_share

    @property
    def hardly_any(self) -> bool:
        """Whether next to no training sample counts, in many batches, while all those of validation do."""
        return self.train > 0.95 and self.val == 0 and self.batches > 1

    @classmethod
    def measure(cls, subject: Subject, targets: TargetCard) -> Iterator[LeftOutCard]:
        """Up to a thousand samples of both splits; nothing is read where the batch leaves out nothing, or everything."""
        if not 0 < targets.ignored < 1 or not readable(subject.val) or not readable(subject.train):
            yield cls()
            return
        (batches, mine), (_, theirs) = _counted(subject, subject.train), _counted(subject, subject.val)
        index, (all_mine, all_theirs) = targets.ignore_index, (mine.total(), theirs.total())
        if not all_mine or not all_theirs:
            yield cls()
            return
        missing = tuple(sorted(label for label in theirs if label not in mine and label != index))
        share = sum(theirs[label] for label in missing) / all_theirs
        yield cls(mine[index] / all_mine, theirs[index] / all_theirs, batches, all_mine - mine[index], missing, share)


def _counted(subject: Subject, source: Any) -> tuple[int, Counter[int]]:
    """How many batches were read, and how often each label stands in them."""
    batches, counts = 0, Counter[int]()
    for portion in portions(source, _READ):
        batches += 1
        counts.update(_labels(subject, portion.batch))
    return batches, counts


def _labels(subject: Subject, batch: Any) -> list[int]:
    first = next(tensors(split(subject, batch)[2]), None)
    whole = isinstance(first, Tensor) and not first.is_floating_point() and not first.is_complex()
    return first.flatten().tolist() if whole and first is not None else []
