"""What a loop decides by its evaluations: which loader was evaluated right before a rate was set or weights were kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...instruments.watch.events import Backward, Event, Forward
from ...instruments.watch.updates import Saved, Scheduled
from . import TrainingLoop
from .reading import on_held_out


class Decision(NamedTuple):
    """A schedule's step or the keeping of weights, and the loaders that were evaluated since the training before it, and train nothing."""

    made: Scheduled | Saved
    loaders: frozenset[int]

    @property
    def given(self) -> str:
        """What a schedule was given, as the line says; or the whole line that keeps the weights."""
        said = self.made.line.source.lower()
        return said if isinstance(self.made, Saved) else said.partition(".step(")[2]


def decisions(loop: TrainingLoop) -> Iterator[Decision]:
    """Those that follow an evaluation."""
    held = {e.passes.loader for e in loop.evaluations if on_held_out(loop, e)}
    for events in (*(step.events for step in loop.steps), loop.tail):
        yield from _within(loop, events, held)


def _within(loop: TrainingLoop, events: tuple[Event, ...], held: set[int]) -> Iterator[Decision]:
    evaluated: set[int] = set()
    for event in events:
        if isinstance(event, Backward):
            evaluated.clear()
        elif isinstance(event, Forward) and event.loader >= 0 and loop.fed[event.loader] == 0:
            evaluated.add(event.loader)
        elif isinstance(event, Scheduled | Saved) and evaluated & held:
            yield Decision(event, frozenset(evaluated))
