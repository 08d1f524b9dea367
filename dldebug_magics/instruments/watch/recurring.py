"""Samples that come again in a later epoch of the same loader, and the labels that they have then: drawn anew, a label is no label.

A sample is known by its inputs, so that only those count which come again unchanged; where augmentation changes all, nothing is said.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from .contents import row_words

_ROWS = 128  # of a batch that are looked at
_KNOWN = 20_000  # samples of a loader
_PAIRS = 1000


class Recurrence(NamedTuple):
    """A sample's label when it was first seen, and in this later epoch."""

    epoch: int
    before: int
    now: int


class Answers(NamedTuple):
    """Whole numbers, one a sample, at this `place` among the tensors that a loader gives.

    `counts`: how many samples had which, each sample once; `again`: samples that came again in a later epoch; `twice`: how many came
    again within the epoch in which they were first seen, which tells of equal inputs in the data, or of a sampler that draws some twice.
    """

    loader: int
    place: int
    counts: tuple[tuple[int, int], ...]
    again: tuple[Recurrence, ...]
    twice: int


@dataclasses.dataclass
class _Column:
    first: dict[int, tuple[int, int]] = dataclasses.field(default_factory=dict)  # by the inputs: epoch and label
    again: list[Recurrence] = dataclasses.field(default_factory=list)
    twice: int = 0

    def add(self, epoch: int, words: list[int], labels: list[int]) -> None:
        for word, label in zip(words, labels, strict=True):
            known = self.first.get(word)
            if known is None:
                if len(self.first) < _KNOWN:
                    self.first[word] = epoch, label
            elif known[0] == epoch:
                self.twice += 1
            else:
                self.again.append(Recurrence(epoch, known[1], label))


class Recurring:
    """Shown the batches of every loader, as far as they are looked at closely."""

    def __init__(self) -> None:
        self.epochs: Counter[int] = Counter()
        self.columns: dict[tuple[int, int], _Column] = {}

    def begun(self, loader: int) -> None:
        """A loader begins an epoch."""
        self.epochs[loader] += 1

    def drawn(self, loader: int, given: list[Tensor]) -> None:
        """A loader gave these tensors, with one row a sample."""
        words: list[list[int]] = []
        for place in (p for p, part in enumerate(given) if part.ndim == 1 and not part.is_floating_point()):
            column = self.columns.setdefault((loader, place), _Column())
            if len(column.again) < _PAIRS:
                words = words or [row_words(part[:_ROWS]) for part in given]
                others = [hash(row) for row in zip(*(w for p, w in enumerate(words) if p != place), strict=True)]
                column.add(self.epochs[loader], others, given[place][:_ROWS].tolist())

    def answers(self) -> Iterator[Answers]:
        """What was seen of each column of whole numbers."""
        for (loader, place), column in self.columns.items():
            counts = Counter(label for _, label in column.first.values())
            yield Answers(loader, place, tuple(counts.most_common(1000)), tuple(column.again), column.twice)
