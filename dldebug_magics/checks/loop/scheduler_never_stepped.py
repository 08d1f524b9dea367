from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...observations.training_loop import TrainingLoop, changes
from ...observations.training_loop.reading import at, steps_of
from ..small_loops import task

_EPOCHS = 3
_STEPS = 12


@check(severity=Severity.WARNING)
def scheduler_never_stepped(loop: TrainingLoop) -> Iterator[Evidence]:
    """There is a scheduler for the optimizer, and the loop never steps it.

    The rate stays where it began, or at the first value of a warm-up, which may be next to nothing.

    Shows as: a loss that jitters at the end, where the schedule would have calmed it; or hardly moves.
    Proven by: the rate of every step, which is the same, over several epochs in which the scheduler was not asked once.
    Not this when: it is part of another scheduler; its optimizer takes no steps here; fewer than 3 epochs were seen.
    Fails: a scheduler that no variable of the running code holds is not found.
    See: torch.optim, "how to adjust learning rate".
    """
    epochs = max(loop.begun, default=0)
    for number, scheduler in enumerate(loop.schedulers):
        steps = list(steps_of(loop, scheduler.facts.optimizer))
        asked = loop.scheduled[number] if number < len(loop.scheduled) else 0
        others = [n for n, other in enumerate(loop.schedulers) if other.facts.optimizer == scheduler.facts.optimizer and loop.scheduled[n]]
        if asked or others or epochs < _EPOCHS or loop.count(scheduler.facts.optimizer) < _STEPS or loop.crash is not None:
            continue
        rates = {last.rate for _, last in steps}
        if len(rates) > 1 or not steps:
            continue
        name = scheduler.name or "scheduler"
        facts = (
            Fact(f"steps of `{name}` ({scheduler.facts.kind})", f"0 in {epochs} epochs", "one for each epoch, or each batch"),
            Fact("rate at the first and at the last step", f"{steps[0][1].rate:g} and {steps[-1][1].rate:g}", "another"),
        )
        sentence = "Step it at the end of each epoch, or of each batch where its numbers count batches."
        fix = Fix(sentence, f"{name}.step()", edits=changes.scheduled_anew(loop, scheduler, name))
        yield Evidence(Confidence.PROVEN, facts, at(steps[-1][1].line), fix)


def _program(stepped: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            if stepped:
                scheduler.step()

    return train


@scheduler_never_stepped.bad
def forgotten() -> Callable[[], None]:
    return _program(stepped=False)


@scheduler_never_stepped.good
def stepped_each_epoch() -> Callable[[], None]:
    return _program(stepped=True)
