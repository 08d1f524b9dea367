"""Questions about a watched loop that many checks ask."""

from __future__ import annotations

from collections.abc import Iterator

from ...instruments.source_lines import Line
from ...instruments.watch.events import Backward, Event, Forward, StepSeen
from ...instruments.watch.updates import Stepped
from . import TrainingLoop


def steps_of(loop: TrainingLoop, optimizer: int) -> Iterator[tuple[StepSeen, Stepped]]:
    """The kept steps of one optimizer."""
    for step in loop.steps:
        taken = step.events[-1]
        if isinstance(taken, Stepped) and taken.optimizer == optimizer:
            yield step, taken


def stepping(loop: TrainingLoop) -> list[int]:
    """The optimizers that took steps."""
    return [number for number, _ in loop.tallies]


def learns(event: Event) -> bool:
    """Whether an event is a pass that training is made of."""
    return isinstance(event, Backward) or (isinstance(event, Forward) and event.grad)


def between(events: tuple[Event, ...], first: type, last: type) -> tuple[Event, ...]:
    """What stands between the first event of one kind and the last one of another behind it; nothing where they are not there."""
    begins = next((i for i, e in enumerate(events) if isinstance(e, first)), None)
    ends = next((i for i in reversed(range(len(events))) if isinstance(events[i], last)), None)
    return () if begins is None or ends is None else events[begins + 1 : ends]


def at(line: Line, word: str = "") -> str:
    """A line as a finding's `where`: the cell and line, and what it says.

    >>> at(Line("cell 3, line 12", "optimizer.step()"))
    'cell 3, line 12: optimizer.step()'
    """
    said = word or line.source
    return f"{line.place}: {said}" if line.place and said else line.place
