from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.updates import Scheduled
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, made, nearer, stepping, steps_of
from ..small_loops import task

_GONE = 1e-6  # of the highest rate
_SHARE = 0.3  # of all steps
_STEPS = 20


@check(severity=Severity.ERROR, hyperparameter=True)
def lr_zero_or_scheduled_away(loop: TrainingLoop) -> Iterator[Evidence]:
    """Most steps are taken with a learning rate of zero, or next to it.

    It was never set, a factor of 0 at the start of a schedule stays 0, or the schedule is over long before the training.

    Shows as: a flat line, from the beginning or after some steps.
    Proven by: the rate of each step that was taken.
    Not this when: a warm-up begins at zero and rises; a schedule ends near zero in its last steps; only one of several optimizers or
    groups rests.
    Fails: rates of single groups are not looked at, only the first.
    See: torch.optim, "how to adjust learning rate"; FSDL, "overfit a single batch", error plateaus.
    """
    highest, numbers = max((abs(rate) for rate in loop.rates), default=0.0), stepping(loop)
    gone = [abs(rate) <= _GONE * highest for rate in loop.rates]
    waits = highest == 0 and any(w.rate for _, weights in loop.census for w in weights)
    if waits or len(numbers) != 1 or loop.taken < _STEPS or sum(gone) < _SHARE * len(gone) or not gone[-1]:
        return
    optimizer, calls = loop.named(numbers[0]), list(loop.of(Scheduled))
    last = [step for _, step in steps_of(loop, numbers[0])][-1]
    facts = (
        Fact(f"steps of {optimizer} with a rate of next to nothing", f"{sum(gone)} of {len(gone)}", "few, at the very end"),
        Fact("highest rate, and the last", f"{highest:.3g} and {loop.rates[-1]:.3g}", ""),
    )
    line = nearer(loop, last.line, made(loop, "optimizer", numbers[0]))
    fix = Fix("Set a rate.", f"{optimizer} = {loop.optimizers[numbers[0]].facts.kind}(model.parameters(), lr=...)")
    if calls:
        line = nearer(loop, calls[-1].line, made(loop, "scheduler", calls[-1].scheduler))
        fix = Fix("Let the schedule last as long as the training, counted in what it is stepped with.", calls[-1].line.source)
    yield Evidence(Confidence.PROVEN, facts, at(line), fix)


def _program(last: int) -> Callable[[], None]:
    net, optimizer, batches, _ = task()
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda number: max(0.0, 1 - number / last))

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            scheduler.step()

    return train


@lr_zero_or_scheduled_away.bad
def over_after_one_epoch() -> Callable[[], None]:
    return _program(1)


@lr_zero_or_scheduled_away.good
def over_at_the_end() -> Callable[[], None]:
    return _program(4)
