"""What is to be put in or moved where a loop is wrong: the edits that take more thought than a line, and those that causes share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from ...engine.edits import Edit, Either, Enclose, Insert, Move, Part, Replace, Wrap
from ...instruments.source_lines import Line
from ...instruments.watch.events import Backward, Begun, Event, Forward, Mode
from ...instruments.watch.facts import SchedulerFacts
from ...instruments.watch.updates import Clip, Scaled, Scheduled, Stepped, ZeroGrad
from . import TrainingLoop, words
from .players import Player
from .reading import back_to_training, steps_of


def made_once(loop: TrainingLoop, line: Line) -> tuple[Edit, ...]:
    """What a line makes, and the optimizers and schedulers that are made again and again for it, before all loops around."""
    made = Counter(making.made.line for making in loop.makings)
    lines = dict.fromkeys([line, *(other for other, times in made.items() if times > 1)])
    return tuple(Move(each.spot, each.spot, around="loops") for each in lines)


def scheduled(loop: TrainingLoop, event: Scheduled, each: str) -> tuple[Edit, ...]:
    """A scheduler's step behind that of its optimizer, or for each "epoch" behind the loop over batches, which may hold it now.

    None where a library steps it.
    """
    taken = [step.line for _, step in steps_of(loop, loop.schedulers[event.scheduler].facts.optimizer)]
    over = words.epoch(loop) if words.epoch(loop).place else event.line
    to, around = (over, "loop") if each == "epoch" else (taken[-1], "")
    return (Move(event.line.spot, to.spot, after=True, around=around),) if taken and words.calls(event.line, "step") else ()


def scheduled_anew(loop: TrainingLoop, scheduler: Player[SchedulerFacts], name: str) -> tuple[Edit, ...]:
    """A scheduler's step, for each epoch, or for each batch where it is too long for epochs; none where it asks for a number to go by."""
    facts, last = scheduler.facts, [step.line for _, step in steps_of(loop, scheduler.facts.optimizer)][-1]
    each_batch = facts.length >= 5 * max(loop.begun, default=0)
    over = last if each_batch or not words.epoch(loop).place else words.epoch(loop)
    step = Insert(over.spot, f"{name}.step()", after=True, around="" if each_batch else "loop")
    return () if facts.kind == "ReduceLROnPlateau" else (step,)


def cleared(line: Line, events: Sequence[Event], again: bool) -> tuple[Edit, ...]:
    """A clearing behind the step; `again`: or before the backward pass, where it stands in the loop over batches then."""
    passes = [e.line for e in events if isinstance(e, Backward)]
    after = Move(line.spot, events[-1].line.spot, after=True)
    return (Either((Move(line.spot, passes[-1].spot), after)) if again and len(passes) == 1 else after,)


def stepped(loop: TrainingLoop, last: Line, passes: int, clearings: Sequence[ZeroGrad], optimizer: str) -> tuple[Edit, ...]:
    """The step that is missing: without its brackets, behind each backward pass, before a clearing that comes less often, or a scaler's."""
    updates = [e.line for e in loop.of(Scaled) if e.what == "update"]
    if updates and optimizer:
        return (Insert(updates[-1].spot, f"{words.owner(updates[-1], 'update')}.step({optimizer})"),)
    often = passes <= 1.5 * len(clearings) or not clearings
    if loop.scalers or not optimizer or not (often or len(clearings) > 2):
        return ()
    step = f"{optimizer}.step()"
    insert = Insert(last.spot, step, after=True) if often else Insert(clearings[-1].line.spot, step)
    return (Either((Enclose(last.spot, Part(), "{}()", "bare:step"), insert)),)


def unscaled(clip: Clip, events: Sequence[Event]) -> tuple[str, tuple[Edit, ...]]:
    """`unscale_` before the clipping, as the line that takes the step would say it: a new one, or that which comes too late."""
    taken = [e for e in events if isinstance(e, Stepped)][-1]
    late = [e.line for e in events[events.index(clip) :] if isinstance(e, Scaled) and e.what == "unscale_"]
    code = f"{words.owner(taken.line, 'step') or 'scaler'}.unscale_({words.optimizer(taken) or 'optimizer'})"
    return code, (Move(late[0].spot, clip.line.spot) if late else Insert(clip.line.spot, code),)


def in_training_mode(loop: TrainingLoop, model: int, to_eval: Mode, code: str) -> tuple[Edit, ...]:
    """train() before the loop over batches, or before each pass where it is left in between; in place of an eval() that nothing follows."""
    own = [e for e in loop.of(Mode, Begun, Forward) if isinstance(e, Begun) or e.model == model]  # type: ignore[attr-defined]
    if not any(isinstance(e, Forward) and not e.tracked for e in own):
        return (Replace(to_eval.line.spot, ".eval()", ".train()"),)
    wrong = [(before, e) for before, e in pairwise(own) if isinstance(e, Forward) and e.tracked and not e.training]
    within = any(isinstance(before, Mode) or (isinstance(before, Forward) and not before.tracked) for before, _ in wrong)
    return (Insert(wrong[-1][1].line.spot, code, around="" if within else "loop"),)


def in_evaluation_mode(loop: TrainingLoop, passes: Forward, name: str) -> tuple[Edit, ...]:
    """eval() before the loop that evaluates, or the one pass; and train() behind it where the loop has none of its own."""
    spot = passes.line.spot
    before = Either(tuple(Insert(spot, f"{name}.eval()", around=around) for around in ("loop", "")))
    behind = [Insert(spot, f"{name}.train()", after=True, around=around) for around in ("loop", "")]
    again = Either((*behind, Insert(words.epoch(loop).spot, f"{name}.train()")))
    return (before,) if back_to_training(loop, passes.model) else (before, again)


def without_gradients(line: Line, model: str) -> tuple[str, tuple[Edit, ...]]:
    """The loop that evaluates, or the one pass, under `no_grad`."""
    head = "with torch.no_grad():"
    edit = Either(tuple(Wrap(line.spot, head, around) for around in ("loop", "")))
    return f"{model or 'model'}.eval()\n{head}\n    {line.source}", (edit,)


def detached(name: str, failed: Backward | None) -> tuple[str, tuple[Edit, ...]]:
    """The line that cuts a carried value off its graph, behind the backward pass, where it is known what it is."""
    state = failed.state if failed is not None else None
    code = f"{name} = tuple(part.detach() for part in {name})" if state and state.several else f"{name} = {name}.detach()"
    return code, (Insert(failed.line.spot, code, after=True),) if failed is not None and state else ()
