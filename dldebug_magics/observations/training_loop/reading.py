"""Questions about a watched loop that many checks ask."""

from __future__ import annotations

from collections.abc import Iterator

from ...instruments.source_lines import Line
from ...instruments.watch.events import Backward, Begun, Drawn, Event, Forward, Mode, StepSeen
from ...instruments.watch.totals import Dropped, Evaluation
from ...instruments.watch.updates import Stepped, ZeroGrad
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


def leading(loop: TrainingLoop, step: StepSeen, most: int = 3) -> tuple[Event, ...]:
    """The events of a step, behind those of the few steps right before it: one backward pass may serve two optimizers."""
    place = loop.steps.index(step)
    near = [s for s in loop.steps[max(0, place - most) : place] if s.number >= step.number - most]
    return tuple(event for each in (*near, step) for event in each.events)


def clearing(loop: TrainingLoop, optimizer: int) -> ZeroGrad | None:
    """The last `zero_grad` that cleared gradients of an optimizer which were there; None where there is none."""
    own = [e for e in loop.of(ZeroGrad) if e.had and (e.optimizer == optimizer or (optimizer, e.model) in loop.trained)]
    return own[-1] if own else None


def stepped_apart(loop: TrainingLoop, passes: list[Backward], others: list[Backward]) -> bool:
    """Whether steps of an optimizer of their own follow these passes, from lines of their own."""
    ends = [(step.events[-1], step.events) for step in loop.steps]
    mine, theirs = (
        {e.optimizer for e, before in ends if isinstance(e, Stepped) and any(p in before for p in them)} for them in (passes, others)
    )
    return len(passes) > 2 and bool(mine) and not mine & theirs and not {e.line for e in passes} & {e.line for e in others}


def at(line: Line, word: str = "") -> str:
    """A line as a finding's `where`: the cell and line, and what it says.

    >>> at(Line("cell 3, line 12", "optimizer.step()"))
    'cell 3, line 12: optimizer.step()'
    """
    said = word or line.source
    return f"{line.place}: {said}" if line.place and said else line.place


def by_library(loop: TrainingLoop) -> set[Line]:
    """Lines that only call a library that trains: batches are drawn there, and used."""
    used = {e.line for e in loop.of(Backward)} | {e.line for e in loop.of(Stepped)}
    return used & {e.line for e in loop.of(Drawn) if e.line.place}


def nearer(loop: TrainingLoop, line: Line, better: Line) -> Line:
    """A line; the better one, if that is known, where the line only calls a library that trains."""
    return better if better.place and line in by_library(loop) else line


def made(loop: TrainingLoop, kind: str, number: int) -> Line:
    """The line that made an optimizer or a scheduler while the loop was watched; an empty one where it was there before."""
    return next((m.made.line for m in loop.makings if (m.made.kind, m.made.number) == (kind, number)), Line())


def trained_in_evaluation(loop: TrainingLoop, optimizer: int) -> int | None:
    """The model that ran in evaluation mode last before a backward pass of this optimizer's steps; None where none did."""
    for step, _ in steps_of(loop, optimizer):
        events = leading(loop, step)
        backward = max((i for i, e in enumerate(events) if isinstance(e, Backward)), default=-1)
        last = {e.model: e for e in events[:backward] if isinstance(e, Forward) and e.grad and e.tracked}
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


def on_held_out(loop: TrainingLoop, evaluation: Evaluation) -> bool:
    """Whether a model that the loop trains ran on the batches of a loader that trains nothing, once each."""
    passes = evaluation.passes
    trained = any((optimizer, passes.model) in loop.trained for optimizer in stepping(loop))
    return trained and passes.loader >= 0 and loop.fed[passes.loader] == 0 and passes.times <= 1.5 * evaluation.drawn


def is_target(loop: TrainingLoop, loader: int, place: int) -> bool:
    """Whether what a loader gives at a place among the tensors of its batches is what the loss is held against."""
    asked = [{term.fed.target for term in e.terms} - {0} for e in loop.of(Backward)]
    given = {e.words[place] for e in loop.of(Drawn) if e.loader == loader and place < len(e.words)} - {0}
    known = [targets for targets in asked if targets]
    return 0 < len(known) <= 2 * sum(bool(targets & given) for targets in known)


def beginning(loop: TrainingLoop, loader: int) -> Line:
    """The line at which a loader was begun last; an empty one where that was not kept."""
    return [Line(), *(e.line for e in loop.of(Begun) if e.loader == loader)][-1]


def trainers(loop: TrainingLoop, evaluation: Evaluation) -> list[int]:
    """The loaders that trained the model right before it was evaluated: those of other folds are none of this one's."""
    for step in reversed(loop.steps):
        passes = (e for e in step.events if isinstance(e, Forward) and e.model == evaluation.passes.model and e.grad and e.tracked)
        fed = {e.loader for e in passes if e.loader >= 0 and loop.fed[e.loader] > 1}
        if fed and step.number < evaluation.step:
            return sorted(fed)
    return []


def held_out_pairs(loop: TrainingLoop) -> Iterator[tuple[int, int]]:
    """Each loader that trains, with each one on which its model is evaluated only, latest first."""
    held = (e for e in reversed(loop.evaluations) if on_held_out(loop, e))
    return iter(dict.fromkeys((feeding, e.passes.loader) for e in held for feeding in trainers(loop, e)))


def on_one_batch(loop: TrainingLoop, passes: list[Forward]) -> bool:
    """Whether all passes had the same input, and this is the input of a batch that a loader gave at some time."""
    return len({(e.content, e.model) for e in passes}) == 1 and passes[0].content in {e.first for e in loop.of(Drawn)}


def dropping(loop: TrainingLoop, built: bool) -> Iterator[Dropped]:
    """Lines that drop while a model is evaluated once a batch in evaluation mode, by a function or a layer `built` there."""
    judged = {e.passes.model for e in loop.evaluations if not e.passes.training and on_held_out(loop, e)}
    return (e for e in loop.dropped if e.built is built and e.model in judged)
