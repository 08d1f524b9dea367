from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.updates import Scaled, Scheduled
from ...observations.training_loop import TrainingLoop, changes, words
from ...observations.training_loop.reading import at, steps_of
from ..small_loops import task


@check(severity=Severity.WARNING)
def scheduler_before_optimizer(loop: TrainingLoop) -> Iterator[Evidence]:
    """The scheduler is stepped before the optimizer, and the first rate of the schedule is never used.

    Every rate comes one step, or one epoch, too early. Torch warns of it once.

    Shows as: hardly anything, or a schedule that is over one epoch too soon.
    Proven by: the order of the calls: the scheduler's first step came before the optimizer had taken any.
    Not this when: the step that was to come before was skipped by a gradient scaler; the rate that is left out is 0, as at the
    beginning of a warm-up.
    Fails: a schedule that was begun before the watch is not known.
    See: torch.optim, "how to adjust learning rate": scheduler.step() should be called after optimizer.step().
    """
    for event in loop.of(Scheduled):
        number = loop.schedulers[event.scheduler].facts.optimizer
        asked = any(isinstance(e, Scaled) for e in _until(loop, event))
        if math.isnan(event.skipped) or abs(event.skipped) < 1e-12 or asked or not any(True for _ in steps_of(loop, number)):
            continue
        optimizer = loop.named(number)
        facts = (
            Fact("rate that no step was taken with", f"{event.skipped:g}", "none"),
            Fact(f"steps of {optimizer} before the scheduler's first", "0", "at least 1"),
        )
        code = f"{optimizer}.step()\n{event.line.source}"
        each = "batch" if loop.scheduled[event.scheduler] > 0.5 * loop.taken or not words.epoch(loop).place else "epoch"
        edits = changes.scheduled(loop, event, each)
        fix = Fix("Step the scheduler behind the optimizer: at the end of the batch, or of the epoch.", code, edits=edits)
        yield Evidence(Confidence.PROVEN, facts, at(event.line), fix)
        return


def _until(loop: TrainingLoop, event: Scheduled) -> Iterator[object]:
    for other in loop.events:
        if other is event:
            return
        yield other


def _program(before: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task()
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.7)

    def train() -> None:
        for _ in range(4):
            if before:
                scheduler.step()
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            if not before:
                scheduler.step()

    return train


@scheduler_before_optimizer.bad
def at_the_beginning_of_the_epoch() -> Callable[[], None]:
    return _program(before=True)


@scheduler_before_optimizer.good
def at_its_end() -> Callable[[], None]:
    return _program(before=False)
