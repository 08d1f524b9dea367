from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Either, Insert
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward
from ...observations.training_loop import TrainingLoop, words
from ...observations.training_loop.reading import at, clearing, leading, stepping, steps_of
from ..small_loops import task


@check(severity=Severity.ERROR)
def missing_zero_grad(loop: TrainingLoop) -> Iterator[Evidence]:
    """Gradients are not cleared between steps, so that each step uses all that came before once more.

    `backward` adds to what `.grad` holds. Without a clearing between two steps the optimizer follows the sum of all gradients since the
    beginning, most of them of weights that are long gone.

    Shows as: a loss that falls at first, then bounces or climbs, the more so the longer it trains.
    Proven by: the gradients themselves: what the last step had used was still there when the next backward pass added to it, and
    the sum was used again.
    Not this when: several backward passes make one step (accumulation), and gradients are cleared after it; they are cleared
    now and then (`zero_grad_wrong_place`).
    Fails: gradients that are changed by hand after the step, such as a momentum of one's own, are left alone.
    See: torch.optim, "Taking an optimization step"; pytorch issue 47175; FSDL, "common bugs".
    """
    for number in stepping(loop):
        used, taken = loop.count(number, "stale"), loop.count(number) - 1
        if taken < 2 or used < 0.5 * taken or clearing(loop, number) is not None:
            continue
        step, last = [(step, last) for step, last in steps_of(loop, number) if last.stale][-1]
        backward = [e for e in leading(loop, step) if isinstance(e, Backward)][-1]
        facts = [Fact("steps that used a gradient which an earlier step had used already", f"{used} of {taken}", "0")]
        if not math.isnan(last.residual):
            facts.append(
                Fact(f"share of the gradient at step {step.number + 1} that its own passes did not bring", f"{last.residual:.0%}", "0%")
            )
        code = f"{words.optimizer(last) or loop.named(number)}.zero_grad()"
        after = Insert(last.line.spot, code, after=True)
        edit = after if last.backwards > 1 else Either((Insert(backward.line.spot, code), after))
        fix = Fix("Clear the gradients before each backward pass.", f"{code}\n{backward.line.source}", edits=(edit,))
        yield Evidence(Confidence.PROVEN, tuple(facts), at(backward.line), fix)


@missing_zero_grad.bad
def never_cleared() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()

    return train


@missing_zero_grad.good
def cleared() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()

    return train
