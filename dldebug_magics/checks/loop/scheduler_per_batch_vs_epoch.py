from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn, optim

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.facts import SchedulerFacts
from ...instruments.watch.updates import Scheduled
from ...observations.training_loop import TrainingLoop, changes
from ...observations.training_loop.reading import at, made, nearer, stepping
from ..small_loops import task

_PLACE = {"epoch": "the loop over batches", "batch": "optimizer.step(), in the loop over batches"}
_GONE = ((4, 1e-2), (2, 2e-3))  # behind this part of the run the rate is below this share of its highest


@check(severity=Severity.ERROR)
def scheduler_per_batch_vs_epoch(loop: TrainingLoop) -> Iterator[Evidence]:
    """The schedule is stepped for each batch though it counts epochs, or for each epoch though it counts batches.

    A decay meant for epochs is over within the first of them; a warm-up meant for batches never ends.

    Shows as: a loss that stands still after a fraction of an epoch; or one that falls very slowly all the time.
    Proven by: the rates of the run itself, held against the length that the schedule was made with.
    Not this when: the schedule counts what it is stepped for.
    Fails: a schedule by a function of one's own tells no length, and is judged by its rates alone.
    See: torch.optim, "How to adjust learning rate"; torch.optim.lr_scheduler.OneCycleLR.
    """
    for number, player in enumerate(loop.schedulers if loop.epochs != 1 and len(stepping(loop)) == 1 else ()):
        calls, asked = [e for e in loop.of(Scheduled) if e.scheduler == number], loop.scheduled[number]
        if not calls or loop.taken < 10 or not (meant := _meant(loop, player.facts, asked)):
            continue
        done, rates = "epoch" if meant == "batch" else "batch", (loop.rates[i] for i in (0, len(loop.rates) // 2, -1))
        fact = Fact(
            f"steps of the schedule, in {loop.epochs or 'several'} epochs", f"{asked}, one for each {done}", f"one for each {meant}"
        )
        facts = (fact, Fact("rate at the start, half-way, at the end", ", ".join(f"{rate:.2g}" for rate in rates)))
        line = nearer(loop, calls[-1].line, made(loop, "scheduler", number))
        fix = Fix(f"Step the schedule behind {_PLACE[meant]}.", line.source, edits=changes.scheduled(loop, calls[-1], meant))
        yield Evidence(Confidence.PROVEN, facts, at(line), fix)


def _meant(loop: TrainingLoop, schedule: SchedulerFacts, asked: int) -> str:
    """What it was meant to be stepped for, where it was stepped for the other: "epoch" or "batch". Without a loader the rates decide."""
    gone = any(max(loop.rates[len(loop.rates) // part :]) < share * max(loop.rates) for part, share in _GONE)
    turned = schedule.kind == "CosineAnnealingLR" and schedule.length <= 2 * loop.epochs and asked >= 3 * schedule.length
    if asked >= 0.9 * loop.taken and (gone or turned):
        return "epoch"
    for_batches = loop.epochs and 5 * loop.epochs <= schedule.length and 0.5 * loop.taken <= schedule.length <= 2 * loop.taken
    return "batch" if 2 <= asked <= loop.epochs + 1 and for_batches else ""


def _program(each_batch: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task()
    scheduler = optim.lr_scheduler.StepLR(optimizer, 2)

    def train() -> None:
        for _ in range(6):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
                if each_batch:
                    scheduler.step()
            if not each_batch:
                scheduler.step()

    return train


@scheduler_per_batch_vs_epoch.bad
def decay_by_epoch_stepped_by_batch() -> Callable[[], None]:
    return _program(each_batch=True)


@scheduler_per_batch_vs_epoch.good
def decay_by_epoch() -> Callable[[], None]:
    return _program(each_batch=False)
