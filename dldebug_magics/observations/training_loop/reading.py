"""Questions about a watched loop that many checks ask."""

from __future__ import annotations

from collections.abc import Iterator

from ...instruments.source_lines import Line
from ...instruments.watch.events import Backward, Event, Forward, Mode, StepSeen
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


def trained_in_evaluation(loop: TrainingLoop, optimizer: int) -> int | None:
    """The model that ran in evaluation mode last before a backward pass of this optimizer's steps; None where none did."""
    for step, _ in steps_of(loop, optimizer):
        backward = max((i for i, e in enumerate(step.events) if isinstance(e, Backward)), default=-1)
        last = {e.model: e for e in step.events[:backward] if isinstance(e, Forward) and e.grad and e.tracked}
        wrong = [e.model for e in last.values() if not e.training and (optimizer, e.model) in loop.trained]
        if wrong:
            return wrong[0]
    return None


def back_to_training(loop: TrainingLoop, model: int) -> Mode | None:
    """The last call that set a model to training mode; None where there is none."""
    calls = [e for e in loop.of(Mode) if e.model == model and e.training]
    return calls[-1] if calls else None


def in_order(loop: TrainingLoop) -> Iterator[Event]:
    """The events of kept steps that follow one another from the first on, so that what is next to each other was so in the loop."""
    for number, step in enumerate(loop.steps):
        if step.number != number:
            return
        yield from step.events
    if loop.taken == len(loop.steps):
        yield from loop.tail
