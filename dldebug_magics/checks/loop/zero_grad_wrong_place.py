from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward, Forward
from ...instruments.watch.updates import Stepped, ZeroGrad
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, stepping, steps_of
from ..small_loops import task


@check(severity=Severity.ERROR)
def zero_grad_wrong_place(loop: TrainingLoop) -> Iterator[Evidence]:
    """Gradients are cleared before the step has used them.

    Between `backward` and `step` it leaves the step with nothing; inside an accumulation it leaves only the last small batch.

    Shows as: weights that never move, or a loss as noisy as single small batches although several are added up.
    Proven by: the gradients at the step: none, or less than what the backward passes since the last step had brought.
    Not this when: the passes cleared away were for something else: another model's step, an input's gradient (adversarial
    examples), weights moved by hand in between (sharpness-aware steps), a batch that is skipped.
    Fails: gradients that are cleared by hand, not by `zero_grad`, are not placed.
    See: torch.optim, "Taking an optimization step"; torch.optim.Optimizer.zero_grad.
    """
    for number in stepping(loop):
        steps = [(step.events, last) for step, last in steps_of(loop, number) if step.close and last.backwards and not last.closure]
        lost = [(cleared, last) for events, last in steps if (cleared := _cleared(events)) is not None]
        if len(lost) < 3 or len(lost) < 0.9 * len(steps) or len(stepping(loop)) > 1:
            continue
        cleared, last = lost[-1]
        empty = sum(seen.empty for _, seen in lost)
        facts = [Fact("steps before which gradients were cleared unused", f"{len(lost)} of {len(steps)} looked at", "0")]
        if empty:
            facts.append(Fact("of these, steps without any gradient", f"{empty}", "0"))
        code = f"{last.line.source}\n{cleared.line.source}"
        yield Evidence(Confidence.PROVEN, tuple(facts), at(cleared.line), Fix("Clear the gradients after the step, not before it.", code))


def _cleared(events: tuple) -> ZeroGrad | None:
    """The clearing that took away what a pass for the weights had brought, in the events of one step."""
    if any(isinstance(e, Forward) and e.leaf_inputs for e in events) or not isinstance(events[-1], Stepped) or events[-1].moved:
        return None
    passes = [i for i, e in enumerate(events) if isinstance(e, Backward) and not e.failed]
    return next((e for e in events[passes[0] :] if isinstance(e, ZeroGrad) and e.had), None) if passes else None


@zero_grad_wrong_place.bad
def before_the_step() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.zero_grad()
                optimizer.step()

    return train


@zero_grad_wrong_place.good
def after_the_step() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()

    return train
