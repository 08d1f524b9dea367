"""Questions about the terms of a watched loop's loss: how much each is of the whole, and whether it comes down."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import NamedTuple

from ...instruments.watch.events import Backward
from ...instruments.watch.losses import Term
from . import TrainingLoop

_FEW, _LONG = 12, 50  # passes that were looked at, and steps


class Drowned(NamedTuple):
    """A term and the one beside it; the largest `share` of the sum that it ever had; its values without weight, at first and at last."""

    term: Term
    other: Term
    share: float
    first: float
    last: float
    looks: int


def drowned(loop: TrainingLoop) -> Iterator[Drowned]:
    """The terms beside which another is larger in each pass that was looked at, of loops that went on for long."""
    passes = [e for e in loop.of(Backward) if len(e.terms) == len(e.values) > 1 and not e.failed]
    shapes = {tuple(term.function for term in e.terms) for e in passes}
    if len(passes) < _FEW or loop.taken < _LONG or len(shapes) != 1:
        return
    for place, term in enumerate(passes[-1].terms):
        pairs = [(abs(e.values[place]), sum(map(abs, e.values))) for e in passes]
        largest = max(range(len(passes[-1].values)), key=lambda n: abs(passes[-1].values[n]))
        if largest == place or not term.factor or any(total == 0 for _, total in pairs):
            continue
        values = [value / abs(term.factor) for value, _ in pairs]
        few, share = len(values) // 4, max(value / total for value, total in pairs)
        ends = statistics.median(values[:few]), statistics.median(values[-few:])
        yield Drowned(term, passes[-1].terms[largest], share, *ends, len(passes))
