from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward, Forward
from ...instruments.watch.updates import Stepped, ZeroGrad
from ...observations.training_loop import TrainingLoop, changes
from ...observations.training_loop.reading import at, clearing, stepping, steps_of
from ..small_loops import task


@check(severity=Severity.ERROR)
def zero_grad_wrong_place(loop: TrainingLoop) -> Iterator[Evidence]:
    """Gradients are cleared, but not between one step and the backward pass for the next.

    Between `backward` and `step` it leaves the step nothing; inside an accumulation, the last small batch; once an epoch, all before it.

    Shows as: weights that never move, a loss as noisy as single small batches, or one that bounces.
    Proven by: the gradients at the step: none, less than what the backward passes since the last step had brought, or more.
    Not this when: the passes cleared away were for something else: another model's step, an input's gradient, weights moved by hand
    in between (sharpness-aware steps), a batch that is skipped.
    Fails: gradients that are cleared by hand are not placed.
    Fix: Clear them after the step, or before each backward pass.
    See: torch.optim, "Taking an optimization step"; torch.optim.Optimizer.zero_grad.
    """
    for number in stepping(loop):
        steps = [(step.events, last) for step, last in steps_of(loop, number) if step.close and last.backwards and not last.closure]
        lost = [cleared for events, _ in steps if (cleared := _cleared(events)) is not None]
        used, taken, rare = loop.count(number, "stale"), loop.count(number) - 1, clearing(loop, number)
        own = all(last.empty for _, last in steps) and all(c.optimizer == number or (number, c.model) in loop.trained for c in lost)
        if len(lost) >= max(3, 0.9 * len(steps)) and (own or len(stepping(loop)) == 1):
            fact = Fact("steps before which gradients were cleared unused", f"{len(lost)} of {len(steps)} looked at", "0")
            yield _evidence(fact, lost[-1], steps[-1][0], again=False)
        elif rare is not None and taken >= 2 and used >= 0.5 * taken:
            fact = Fact("steps that used a gradient which an earlier step had used already", f"{used} of {taken}", "0")
            yield _evidence(fact, rare, steps[-1][0], again=True)


def _evidence(fact: Fact, cleared: ZeroGrad, events: tuple, again: bool) -> Evidence:
    place = "before each backward pass, inside the loop over batches" if again else "after the step, not right before it"
    fix = Fix(f"Clear the gradients {place}.", cleared.line.source, edits=changes.cleared(cleared.line, events, again))
    return Evidence(Confidence.PROVEN, (fact,), at(cleared.line), fix)


def _cleared(events: tuple) -> ZeroGrad | None:
    """The clearing that took away what a pass for the weights had brought, in the events of one step."""
    if any(isinstance(e, Forward) and e.leaf_inputs for e in events) or not isinstance(events[-1], Stepped) or events[-1].moved:
        return None
    passes = [i for i, e in enumerate(events) if isinstance(e, Backward) and not e.failed]
    return next((e for e in events[passes[0] :] if isinstance(e, ZeroGrad) and e.had), None) if passes else None


def _program(before: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                nn.functional.cross_entropy(net(x), y).backward()
                if before:
                    optimizer.zero_grad()
                optimizer.step()
                if not before:
                    optimizer.zero_grad()

    return train


@zero_grad_wrong_place.bad
def before_the_step() -> Callable[[], None]:
    return _program(before=True)


@zero_grad_wrong_place.good
def after_the_step() -> Callable[[], None]:
    return _program(before=False)
