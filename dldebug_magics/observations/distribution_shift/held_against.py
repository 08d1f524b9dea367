"""The steps of the comparison, each within its share of the time: read, decide, tell where, tell which kind."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy

from ...engine.subject import Subject
from ...instruments.evaluation.batches import Groups
from ...instruments.shift.judged import Judge
from ...instruments.shift.separation import Separation
from . import kinds
from .beside import beside
from .gap import Gap, gap_of
from .labels import Labels, labels_of
from .matching import by_classes, by_inputs
from .moved_back import moved_back
from .pair import Pair
from .parts import apart
from .sides import FEWEST, Read, opened, reading

Found = dict[str, Any]  # fields of the observation
_READING = 0.3  # of the time, for each side
_APART = 0.95  # AUC: beyond, the sides have too little in common to be re-weighted


@dataclasses.dataclass
class Steps:
    """One comparison. Iterate over `taken` for the fields of the observation as they become known."""

    subject: Subject
    judge: Judge
    roles: tuple[str, str]
    samples: int
    groups: Groups
    names: Sequence[str]
    began: float

    def taken(self) -> Iterator[Found]:
        """From the first sample to the last test."""
        first = opened(self.subject, self.roles[0], self.samples, self.groups)
        reads = [first, opened(self.subject, self.roles[1], self.samples, self.groups, first)]
        yield {"augmented": tuple(read.augmented for read in reads if read.augmented is not None)}
        for read in reads:
            for count in reading(self.subject, self.judge, read, self._until()):
                yield {"reading": f"{count} samples of {read.role} read"}
        yield from self._compared(*reads)

    def _until(self) -> float:
        now = time.monotonic()
        return now + _READING * (self.subject.deadline - now)

    def _compared(self, a: Read, b: Read) -> Iterator[Found]:
        pair = Pair(a.view, b.view, held_out="train" not in self.roles, seed=self.subject.seed, names=self.names)
        gap = self._gap(pair)
        sides = [_with_error(read, gap, place) for place, read in enumerate((a, b))]
        sides = [side if side.fair else dataclasses.replace(side, shuffled=not pair.drifts(place)) for place, side in enumerate(sides)]
        shared = len(set(b.view.words) & set(a.view.words))
        yield {"source": sides[0], "target": sides[1], "metric": self.judge.metric if gap else "", "gap": gap, "repeated": shared}
        if min(read.view.count for read in (a, b)) < FEWEST:
            yield {"decided": True}
            return
        decided = pair.decision()
        if decided is not None:
            yield {"p": decided.p, "tests": decided.tests, "reading": "telling where they differ"}
        features, count = pair.features()
        yield {"features": features, "differing": count, "asked": len(pair.columns.names)}
        labels = labels_of(a.view, b.view, pair.held_out, pair.groups, self.subject.seed)
        yield {"labels": labels, "rest": pair.rest(labels) if labels is not None and labels.p < kinds.LEVEL else None}
        separated = pair.separation()
        if separated is not None:
            yield {"apart": apart(*separated)}
        if gap is not None and gap.hurts:
            yield {"new_classes": _of_new(labels, b, gap)}
            yield from self._explained(pair, b, separated[0] if separated is not None else None)
        yield {"slices": pair.slices() if decided is not None and decided.p < kinds.LEVEL else ()}
        yield from beside(self.subject, self.roles, a, self.samples)
        yield {"decided": True, "reading": ""}

    def _gap(self, pair: Pair) -> Gap | None:
        wrong = pair.source.whole("wrong"), pair.target.whole("wrong")
        if wrong[0] is None or wrong[1] is None or not min(map(len, wrong)):  # type: ignore[arg-type]
            return None
        return gap_of((wrong[0], wrong[1]), pair.groups or ((), ()), self.judge.metric, self.subject.seed)

    def _explained(self, pair: Pair, target: Read, separated: Separation | None) -> Iterator[Found]:
        """What of the gap the classes, the inputs and their scale make."""
        wrong, true = ([view.whole(name) for view in (pair.source, pair.target)] for name in ("wrong", "true"))
        assert wrong[0] is not None and wrong[1] is not None, "there is a gap"
        if true[0] is not None and true[1] is not None:
            yield {"by_classes": by_classes((true[0], true[1]), (wrong[0], wrong[1]), self.subject.seed)}
        if separated is not None and separated.auc < _APART:
            yield {"by_inputs": by_inputs(separated.scores, (wrong[0], wrong[1]), self.subject.seed)}
        yield {"moved_back": moved_back(self.subject, self.judge, pair.source, pair.target, target.chosen)}


def _of_new(labels: Labels | None, target: Read, gap: Gap) -> float | None:
    """How much of the target's error comes from classes that the source never shows; None where there are none."""
    wrong, true = target.view.whole("wrong"), target.view.whole("true")
    if labels is None or not labels.counted or not labels.new or wrong is None or true is None:
        return None
    known = wrong[~numpy.isin(true, labels.new)]
    return gap.target - float(known.mean()) if len(known) else gap.target


def _with_error(read: Read, gap: Gap | None, place: int) -> Any:
    side = read.side()
    if gap is None:
        return side
    return dataclasses.replace(side, error=(gap.source, gap.target)[place], interval=gap.intervals[place])
