"""What is gathered about the data of a loop beside its events: labels of samples that come again, images that were turned, and waiting."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...engine.nested import parts
from .contents import values_word
from .recurring import Answers, Recurring
from .turned import Turned, Turning

_COLUMNS = 6  # tensors of a batch, at most
_LATER = 5_000  # batches of a loader that are looked at


@dataclasses.dataclass
class Wait:
    """How many batches a loader gave, and the seconds that the loop waited for them; `first`: to begin, and for the first of each epoch.

    `starting`: the next batch is the first of its epoch.
    """

    batches: int = 0
    seconds: float = 0.0
    first: float = 0.0
    starting: bool = False


class DataSeen(NamedTuple):
    """What the observation keeps. `waits` are in the order of the loaders."""

    answers: tuple[Answers, ...] = ()
    turned: tuple[Turned, ...] = ()
    waits: tuple[Wait, ...] = ()

    def shift(self, some: int, other: int) -> int:
        """By how much all whole numbers of another loader lie higher, where that is 1 or -1 and they have no gap; else 0."""
        for mine in (a for a in self.answers if a.loader == some):
            for theirs in (a for a in self.answers if (a.loader, a.place) == (other, mine.place)):
                here, there = ({number for number, _ in a.counts} for a in (mine, theirs))
                known = min(sum(count for _, count in a.counts) for a in (mine, theirs)) >= 10 * len(here)
                gapless = len(here) >= 3 and max(here) - min(here) == len(here) - 1
                for step in (1, -1) if known and gapless else ():
                    if there == {number + step for number in here}:
                        return step
        return 0


NO_DATA = DataSeen()


class Data:
    """Told of each beginning of a loader, of how long each batch took, and shown the batches that are looked at closely."""

    def __init__(self) -> None:
        self.waits: list[Wait] = []
        self.recurring, self.turning = Recurring(), Turning()

    def begun(self, loader: int, seconds: float) -> None:
        """A loader begins an epoch, which took so many seconds."""
        while len(self.waits) <= loader:
            self.waits.append(Wait())
        wait = self.waits[loader]
        wait.first, wait.seconds, wait.starting = wait.first + seconds, wait.seconds + seconds, True
        self.recurring.begun(loader)

    def waited(self, loader: int, seconds: float) -> None:
        """A batch came after so many seconds."""
        wait = self.waits[loader]
        wait.batches += 1
        wait.seconds += seconds
        if wait.starting:
            wait.first, wait.starting = wait.first + seconds, False

    def drawn(self, loader: int, batch: Any, feeds: bool = True) -> tuple[int, ...]:
        """A word for the values of each tensor of a batch that may be what is asked for, else 0; none where a part is no tensor
        of so many rows. `feeds`: the loader's batches train something; of others one epoch is enough.
        """
        if not feeds and self.recurring.epochs[loader] > 1:
            return ()
        given = list(parts(batch))
        if not 1 < len(given) <= _COLUMNS or not all(_has_rows(part, given[0]) for part in given):
            return ()
        if self.waits[loader].batches <= _LATER:
            self.recurring.drawn(loader, given)
            self.turning.drawn(loader, self.recurring.epochs[loader], given)
        asked = self.recurring.columns.keys() | self.turning.maps.keys()
        return tuple(values_word(part) if (loader, place) in asked else 0 for place, part in enumerate(given))

    def seen(self) -> DataSeen:
        """All of it, in plain numbers."""
        waits: Iterable[Wait] = (dataclasses.replace(wait) for wait in self.waits)
        return DataSeen(tuple(self.recurring.answers()), tuple(self.turning.found()), tuple(waits))


def _has_rows(part: Any, first: Any) -> bool:
    plain = isinstance(part, Tensor) and not part.is_nested and part.layout is torch.strided and part.ndim > 0 and not part.is_meta
    return plain and not part.is_complex() and not part.is_quantized and 0 < len(part) == len(first)
