from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Either, Enclose, Insert, Part
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward, Forward
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, stepping, steps_of
from ..small_loops import task

_STEPS = 4


@check(severity=Severity.ERROR)
def missing_backward(loop: TrainingLoop) -> Iterator[Evidence]:
    """Steps are taken without a backward pass, so that there is no gradient to follow.

    The optimizer skips parameters whose gradient is None, and says nothing.

    Shows as: a loss that changes from batch to batch, and no better after many epochs.
    Proven by: the loop itself: forward passes and steps, no backward pass between them, and no gradient at any step.
    Not this when: gradients are set by hand, by `torch.autograd.grad` or another process; then there is one at the step.
    Fails: an optimizer that makes up its own gradients is not told apart where it holds none at its step.
    See: torch.optim, "Taking an optimization step"; torch.Tensor.backward.
    """
    for number in stepping(loop):
        steps = list(steps_of(loop, number))
        if len(steps) < _STEPS or loop.count(number, "empty") < loop.count(number) or any(last.closure for _, last in steps):
            continue
        if any(isinstance(e, Backward) for step, _ in steps for e in step.events):
            continue
        ran = [e for step, _ in steps for e in step.events if isinstance(e, Forward) and e.grad and e.tracked]
        if len(ran) < _STEPS or _moved(loop, {e.model for e in ran}):
            continue
        last = steps[-1][1]
        found = Fact(f"steps of {loop.named(number)} that found a gradient", f"0 of {loop.count(number)}", "all")
        facts = (Fact("backward passes", "0", "at least one for each step"), found)
        edit = Either((Enclose(last.line.spot, Part(), "{}()", "bare:backward"), Insert(last.line.spot, "loss.backward()")))
        fix = Fix("Call backward on the loss before the step.", f"loss.backward()\n{last.line.source}", edits=(edit,))
        yield Evidence(Confidence.PROVEN, facts, at(last.line), fix)


def _moved(loop: TrainingLoop, models: set[int]) -> bool:
    """Whether weights changed; where there are several optimizers, those of the models that ran."""
    own = [weight.moved for model, weights in loop.census if model in models for weight in weights]
    return any(own) if own and len(stepping(loop)) > 1 else loop.moved


@missing_backward.bad
def forgotten() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), y)
                optimizer.step()
                loss.item()

    return train


@missing_backward.good
def called() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()

    return train
