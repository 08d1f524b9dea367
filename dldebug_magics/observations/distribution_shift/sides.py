"""The two splits that are compared, read one after the other: what was found of each, and what of it chance or a wrapper has made."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

from ...engine.deadline import TimeSpent
from ...engine.errors import UserMistake
from ...engine.subject import Subject
from ...instruments.evaluation.augmentation import Augmented, unaugmented
from ...instruments.evaluation.batches import Groups
from ...instruments.evaluation.bootstrap import Interval
from ...instruments.shift.chosen import Chosen
from ...instruments.shift.judged import Judge
from ...instruments.shift.views import View, viewed
from ..bias_variance.reading import redrawn

FEWEST = 20  # samples of a side: of fewer nothing can be told
_PAUSE = 0.5  # seconds between two lines of progress


@dataclasses.dataclass(frozen=True)
class Side:
    """One split in plain numbers: the samples looked at and those that they were drawn from (None: unknown).

    `fair`: all of it had the same chance to be drawn. `shuffled`: of a stream that was drawn from at its start, that the start does not
    drift. `redrawn`: its sampler draws some samples more often than others. `error`: the mean
    over samples of the error rate, the squared error, or the loss, with its interval; None where that is not known.
    """

    role: str
    samples: int
    of: int | None
    fair: bool
    redrawn: bool = False
    shuffled: bool = False
    error: float | None = None
    interval: Interval | None = None


@dataclasses.dataclass
class Read:
    """One split while it is read, with what it was read by."""

    role: str
    source: Any
    chosen: Chosen
    view: View
    augmented: Augmented | None

    def side(self) -> Side:
        """What is known of it so far, without its error."""
        return Side(self.role, self.view.count, self.chosen.of, self.chosen.fair, redrawn(self.source))


def opened(subject: Subject, role: str, samples: int, groups: Groups = None, like: Read | None = None) -> Read:
    """A split, ready to be read: without augmentation, as far as that can be turned off. `like`: what it is held against."""
    source, random = unaugmented(getattr(subject, role), role, subject.seed)
    view = View(role, subject.name(role), like.view if like is not None else None, groups)
    return Read(role, source, Chosen(source, samples, subject.seed), view, random)


def reading(subject: Subject, judge: Judge | None, read: Read, until: float) -> Iterator[int]:
    """Read a split until `until` (of `time.monotonic`); yields the number of samples now and then. A `UserMistake` where it is empty."""
    shown = time.monotonic()
    try:
        for view in viewed(subject, judge, read.chosen, read.view, until):
            if time.monotonic() - shown > _PAUSE:
                shown = time.monotonic()
                yield view.count
    except TimeSpent:
        return  # what was read is a fair draw, only smaller
    if read.chosen.of == 0:
        raise UserMistake(f"`{read.view.name}` is empty: it yields no sample")
