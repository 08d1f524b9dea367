"""A watched loop in words: the verdict, what was seen, and what the watch cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...document import Block, Details, Table
from ...engine.evidence import Finding
from ...instruments.watch.events import Backward, Event
from . import curves

if TYPE_CHECKING:
    from . import TrainingLoop

_UNTOLD = ("kind", "held", "dataset", "reads", "numbering", "random", "is_called")  # facts that are for checks alone


def sentence(loop: TrainingLoop, findings: tuple[Finding, ...]) -> str:
    """The first line of the report."""
    seen = told(loop)
    if loop.crash is not None:
        seen += f"; {loop.crash.kind} ended it{f' at {loop.crash.line}' if loop.crash.line.place else ''}"
    if loop.blind:
        return f"{seen}. Then the watch itself failed, which is a defect of dldebug: {loop.blind}. The loop was not disturbed."
    if not findings and loop.crash is None and loop.spoilt is not None and not math.isfinite(loop.losses[-1]):
        return f"{seen}, and is no number in the end. No cause was found in the loop; where it grows before, the rate may be too high."
    if not findings:
        return f"{seen}: nothing wrong was seen in the loop." if loop.crash is None else f"{seen}."
    first = findings[0]
    fact = first.evidence.facts[0] if first.evidence.facts else None
    proof = f"; {fact.what}: {fact.seen}" if fact is not None else ""
    if first.again is not None and first.again.better:
        proof = f". {first.again.outcome.rstrip('.')}"
    return f"{first.confidence.value.capitalize()}: {first.name}{f' ({first.where})' if first.where else ''}{proof}. {seen}."


def told(loop: TrainingLoop) -> str:
    """How much was seen.

    >>> from . import TrainingLoop
    >>> told(TrainingLoop(taken=120, losses=(2.3, 0.5)))
    'The loop took 120 optimizer steps, the loss went from 2.3 to 0.5'
    """
    finite = [loss for loss in loop.losses if not math.isnan(loss)]
    went = f", the loss went from {finite[0]:.3g} to {finite[-1]:.3g}" if len(finite) > 1 else ""
    return f"The loop took {loop.taken} optimizer step{'' if loop.taken == 1 else 's'}{went}"


def blocks(loop: TrainingLoop) -> tuple[Block, ...]:
    """The course of the loop, the order of one step, and who took part."""
    players = [(_kind(p.facts.kind, p.name), _about(p.facts)) for group in _groups(loop) for p in group]
    found: list[Block] = curves.blocks(loop)
    if loop.steps:
        rows = [(type(e).__name__, e.line.place, e.line.source, str(getattr(e, "times", 1))) for e in _usual(loop)]
        found.append(Table("One step, as it usually goes", ("what", "where", "line", "times"), rows))
    found.append(Details("Who took part", (Table("The parts, and what is known of each", ("who", "what is known"), players),)))
    return tuple(found)


def _groups(loop: TrainingLoop) -> tuple[tuple, ...]:
    return loop.models, loop.optimizers, loop.schedulers, loop.loaders, loop.scalers


def _usual(loop: TrainingLoop) -> tuple[Event, ...]:
    """A step of the commonest order."""
    usual = loop.orders[0][0] if loop.orders else ()
    found = (step.events for step in loop.steps if tuple(type(e).__name__ for e in step.events) == usual)
    return next(found, loop.steps[0].events)


def _kind(kind: str, name: str) -> str:
    return f"{name} ({kind})" if name else kind


def _about(facts: object) -> str:
    """The plain facts in one line, without those that say nothing."""
    told = {k: v for k, v in vars(facts).items() if k not in _UNTOLD and v not in (-1, "", 0)}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items())


def footer(loop: TrainingLoop, steps: int) -> str:
    """What was watched, how many steps copies ran again for it, and that all was let go."""
    waiting = f", {loop.waited:.1f} of them waiting for data" if loop.waited >= 0.1 else ""
    again = f"Copies ran {steps} steps again, and all is as before" if steps else "Nothing was copied or run again"
    return f"Watched for {loop.seconds:.1f} seconds{waiting}. {again}; every hook is gone."


def unseen(loop: TrainingLoop) -> tuple[str, ...]:
    """What is compiled, and could not be looked into."""
    models = [f"the inside of {model.word}: it is compiled" for model in loop.models if model.facts.compiled]
    losses = {e.line.place for e in loop.of(Backward) if any(term.function == "compiled" for term in e.terms)}
    return (*models, *(f"what the loss is made of, at {place}: it is compiled" for place in sorted(losses)))
