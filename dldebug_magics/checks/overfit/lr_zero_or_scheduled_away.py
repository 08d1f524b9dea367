from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.learning_rate import STANDS_STILL, raised_to, usual
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.schedule import ScheduleCard
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ...observations.overfit_batch.training import peak
from ..small_data import classes


@check(severity=Severity.ERROR)
def lr_zero_or_scheduled_away(setup: SetUp, schedule: ScheduleCard, run: OverfitBatch) -> Iterator[Evidence]:
    """The learning rate is zero: it was never set, or a schedule took it away before the model had learnt.

    A schedule that counts epochs and is stepped with every batch is over within the first; a factor of 0 at its start stays 0.

    Shows as: a flat line, from the beginning or after the first few steps.
    Proven by: the rate itself, below a ten-thousandth of its peak with nothing in the schedule to raise it, a hundredth
    after one step, zero for twenty; or a copy with a rate.
    Not this when: a warm-up begins near zero, a cycle comes back, or the schedule has ended and the model has learnt by then.
    Fails: a schedule that is not handed over with the optimizer is not seen.
    See: torch.optim, "how to adjust learning rate"; FSDL, "overfit a single batch", error plateaus.
    """
    if not run.passed and run.crash is None and any(abs(peak(dict(group))) < STANDS_STILL for group in setup.groups):
        highest = max(abs(rate) for rate in setup.rates)
        for rate in (highest,) if highest >= STANDS_STILL else usual(setup.optimizer):
            yield _at_rest(setup, rate)
    unlearnt = run.floor.known and run.floor.excess(run.first, run.first) > 0.9
    if (schedule.over and unlearnt) or schedule.gone_at_once or schedule.asleep:
        yield _gone(schedule)


def _at_rest(setup: SetUp, rate: float) -> Evidence:
    fact = Fact("learning rate", ", ".join(f"{r:g}" for r in setup.rates), "above 0")
    fix = Fix("Set a learning rate.", setup.optimizer_line(lr=rate), f"a learning rate of {rate:g}")
    return Evidence(Confidence.LIKELY, (fact,), fix=fix, cure=raised_to(rate), refuted_by="Runs at other rates that fare no better.")


def _gone(schedule: ScheduleCard) -> Evidence:
    facts = (
        Fact("learning rate now", f"{schedule.now:.1e} after {schedule.stepped} steps of {schedule.scheduler}", f"near {schedule.peak:g}"),
        Fact("highest rate of the next 1000 steps", f"{schedule.ahead:.1e}", "above that, where the model has not learnt yet"),
        Fact("highest rate behind the first step; steps without any", f"{schedule.after_one:.1e}; {schedule.idle}", "the same; 0 or 1"),
    )
    fix = Fix(f"Step {schedule.scheduler} where its numbers are meant for, and let it last as long as the training.")
    return Evidence(Confidence.PROVEN, facts, fix=fix, always=True, refuted_by="A rate that the schedule raises again.")


def _program(rate: float, steps: int = 0) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=10 * rate, total_steps=30)
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
    return Subject(net, nn.CrossEntropyLoss(), optimizer, classes(), scheduler=scheduler)


@lr_zero_or_scheduled_away.bad
def never_set() -> Subject:
    return _program(0.0)


@lr_zero_or_scheduled_away.bad
def over_after_thirty_batches() -> Subject:
    return _program(1e-3, steps=29)


@lr_zero_or_scheduled_away.good
def a_cycle_at_its_beginning() -> Subject:
    return _program(1e-3)
