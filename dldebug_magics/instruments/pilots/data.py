"""The data of a pilot: one seeded part of what the program is trained on, read in the user's own batches, in an order of its own each run.

What can be read by number is drawn at random, so that half of it is half of everything; a stream is read from its start. Samples that are
the same whenever they are read are read once and remembered: all runs of all pilots read them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch.utils.data import DataLoader, SequentialSampler

from ...engine.nested import copied
from ...engine.samples import Numbered, numbered, portions
from ..evaluation.augmentation import unaugmented
from .remembered import Remembered

_APART = 7919  # so that the seed of an order is not that of the weights


@dataclasses.dataclass(frozen=True)
class ByNumber:
    """Samples that are read by number: those `chosen` of a dataset; `still` reads them without what changes them at random.

    known: what was read; None where samples change. in_order: whether they are trained on in their own order. dropping: as the loader does.
    """

    data: Numbered
    still: Numbered
    chosen: list[int]
    known: dict[int, Any] | None
    in_order: bool
    dropping: bool

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(self.chosen)

    @property
    def total(self) -> int | None:
        """How many the user has."""
        return len(self.data.dataset)

    @property
    def batch_size(self) -> int:
        """Of the user's batches."""
        return self.data.batch_size

    def loader(self, seed: int, share: float = 1.0) -> DataLoader:
        """A part of the samples, of which a smaller share of the same seed is a part again, in the order of that seed."""
        part = _part(self.chosen, share, seed)
        part, size = sorted(part) if self.in_order else part, min(self.batch_size, len(part))
        return DataLoader(
            Remembered(self.data.dataset, part, self.known),
            size,
            shuffle=not self.in_order,
            collate_fn=self.data.collate,
            drop_last=self.dropping or len(part) % size == 1 < len(part),  # batch norm can do nothing with one sample
            generator=_numbers(seed),
        )

    def evaluated(self, limit: int, seed: int, share: float = 1.0) -> list[Any]:
        """Batches of that part, at most `limit` samples."""
        part, size = sorted(_part(self.chosen, share, seed)[:limit]), self.batch_size
        read = Remembered(self.still.dataset, part, self.known)
        return [self.still.collate(read.__getitems__([*range(i, min(i + size, len(part)))])) for i in range(0, len(part), size)]


@dataclasses.dataclass(frozen=True)
class AsTheyCome:
    """Batches as they came from a source that can't be read by number; a part of them is some of the batches."""

    batches: list[Any]
    counts: list[int]
    total: int | None = None

    @property
    def samples(self) -> int:
        """How many there are."""
        return sum(self.counts)

    @property
    def batch_size(self) -> int:
        """Of the largest batch."""
        return max(self.counts, default=1)

    def loader(self, seed: int, share: float = 1.0) -> DataLoader:
        """As `ByNumber.loader`."""
        part = [self.batches[number] for number in _part(list(range(len(self.batches))), share, seed)]
        return DataLoader(part, batch_size=None, shuffle=True, collate_fn=_itself, generator=_numbers(seed))  # type: ignore[arg-type]

    def evaluated(self, limit: int, seed: int, share: float = 1.0) -> list[Any]:
        """As `ByNumber.evaluated`."""
        part, left = list[Any](), limit
        for number in _part(list(range(len(self.batches))), share, seed):
            part, left = [*part, *([self.batches[number]] if left > 0 else [])], left - self.counts[number]
        return part


PilotData = ByNumber | AsTheyCome


def pilot_data(source: Any, limit: int, seed: int) -> PilotData:
    """At most `limit` samples of a source."""
    plain, changing = unaugmented(source, "train", seed)
    data, still = numbered(source), numbered(plain)
    if data is None or still is None:
        read = list(portions(source, limit))
        return AsTheyCome([copied(portion.batch) for portion in read], [max(1, len(portion.numbers)) for portion in read])
    chosen = torch.randperm(len(data.dataset), generator=_numbers(seed))[:limit].tolist()
    in_order = isinstance(getattr(source, "sampler", None), SequentialSampler)
    return ByNumber(data, still, chosen, None if changing is not None else {}, in_order, bool(getattr(source, "drop_last", False)))


def held_out(source: Any, role: str, limit: int, seed: int) -> list[Any]:
    """At most `limit` samples of a split that is not trained on, in batches, without augmentation: always the same."""
    plain, _ = unaugmented(source, role, seed)
    return [copied(portion.batch) for portion in portions(plain, limit)]


def fixed(batches: list[Any]) -> DataLoader:
    """Batches as something that can be passed over."""
    return DataLoader(batches, batch_size=None, collate_fn=_itself)  # type: ignore[arg-type]


def _part(numbers: list[int], share: float, seed: int) -> list[int]:
    """So much of the numbers, in an order of the seed's own."""
    if share >= 1:
        return numbers
    order = torch.randperm(len(numbers), generator=_numbers(seed)).tolist()
    return [numbers[place] for place in order[: max(1, round(share * len(numbers)))]]


def _numbers(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed + _APART)


def _itself(batch: Any) -> Any:
    return batch
