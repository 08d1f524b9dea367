"""Questions about the course of a watched loop: what its loss is made of in every pass, and whether it fell."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ...engine.evidence import Fact
from ...instruments.source_lines import Line
from ...instruments.watch.events import Backward
from ...instruments.watch.losses import Term
from . import TrainingLoop

_FEW = 3  # passes that say nothing yet
_STAYS = 0.8


class Seen(NamedTuple):
    """A term of the loss that fits a description in every pass from one line: the last of them, its line, and how many there were."""

    term: Term
    line: Line
    passes: tuple[Backward, ...]
    terms: tuple[Term, ...]

    @property
    def source(self) -> Line:
        """The line that made what the term is fed, where that was seen; else its own."""
        return next((term.source for term in self.terms if term.source.place), self.line)

    @property
    def turn(self) -> Line:
        """The line that turned its sign, likewise."""
        return next((term.turn for term in self.terms if term.turn.place), self.line)


def always(loop: TrainingLoop, fits: Callable[[Term], bool]) -> Seen | None:
    """The term of the loss that fits in every pass that was looked at, of those that begin at one line; None where there is none."""
    by_line: dict[Line, list[Backward]] = {}
    for event in loop.of(Backward):
        if event.terms and not event.failed:
            by_line.setdefault(event.line, []).append(event)
    for line, passes in by_line.items():
        places = [next((i for i, term in enumerate(e.terms) if fits(term)), -1) for e in passes]
        if len(passes) >= _FEW and min(places) >= 0:
            terms = tuple(e.terms[place] for e, place in zip(passes, places, strict=True))
            return Seen(terms[-1], next((term.line for term in terms if term.line.place), line), tuple(passes), terms)
    return None


def _losses(loop: TrainingLoop, passes: Iterable[Backward]) -> Sequence[float]:
    """The losses of the whole loop; of these passes, where others begin at other lines: the losses of two models take turns."""
    lines = {e.line for e in passes}
    others = {e.line for e in loop.of(Backward)} - lines
    return [e.loss for e in loop.of(Backward) if e.line in lines] if lines and others else loop.losses


def fell(loop: TrainingLoop, passes: Iterable[Backward] = ()) -> float:
    """The loss at the end as a share of the loss at the start; infinite where it is none any more, or was never above zero.

    `passes`: from which lines, where there are others, too.

    >>> fell(TrainingLoop(losses=(2.0, 2.0, 1.0, 0.5, 0.5, 0.5))), fell(TrainingLoop(losses=(2.0, 3.0, math.nan)))
    (0.25, inf)
    """
    losses = _losses(loop, passes)
    known = [loss for loss in losses if not math.isnan(loss)]
    if not known or known[0] <= 0 or not math.isfinite(losses[-1]):
        return math.inf
    few = max(1, min(len(known) // 5, 50))
    first, last = statistics.median(known[: min(3, few + 1)]), statistics.median(known[-max(few, 3) :])
    return last / first if first > 0 and math.isfinite(last) else math.inf


def suffers(loop: TrainingLoop, passes: Iterable[Backward] = ()) -> bool:
    """Whether the loss did not come down, or leapt far above its start: the steps are too long."""
    return fell(loop, passes) > 0.8 or _leapt(loop, passes)


def too_long(loop: TrainingLoop, passes: Iterable[Backward] = ()) -> Fact:
    """What speaks for steps that are too long: how high the loss leapt if it came down in the end, else how far it came down.

    >>> [too_long(TrainingLoop(losses=losses)).seen for losses in ((2.0, 2.0, 2.0, 9.0, 1.0, 1.0, 1.0), (2.0, 2.0, 1.9, 1.9, 1.9))]
    ['4.5', '0.95']
    """
    share, losses = fell(loop, passes), _losses(loop, passes)
    if share <= 0.8 and _leapt(loop, passes):
        return Fact("highest loss, as a multiple of the first ones", f"{max(losses[3:]) / max(losses[:3]):.2g}", "about 1")
    return Fact("loss at the end, as a share of that at the start", f"{share:.2g}", "well below 1")


def _leapt(loop: TrainingLoop, passes: Iterable[Backward]) -> bool:
    losses = _losses(loop, passes)
    return max(losses[3:], default=0.0) > 2 * max(losses[:3], default=0.0)


def stays(loop: TrainingLoop) -> bool:
    """Whether the loss ended as high as it began, or as no number; as far as it is known, and never of a loss that begins at 0 or below.

    >>> stays(TrainingLoop(losses=(2.0, 2.1, 1.9, 2.0))), stays(TrainingLoop(losses=(2.0, 1.0, 0.5))), stays(TrainingLoop(losses=(-1.0,)))
    (True, False, False)
    """
    if loop.spoilt is not None and not math.isfinite(loop.losses[-1]):
        return True
    known = tuple(loss for loss in loop.losses if not math.isnan(loss))
    return _STAYS < fell(dataclasses.replace(loop, losses=known)) < math.inf
