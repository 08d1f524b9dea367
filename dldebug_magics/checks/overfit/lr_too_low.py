from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.learning_rate import times
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ...observations.overfit_batch.curve import Shape
from ..small_data import classes


@check(severity=Severity.ERROR, hyperparameter=True)
def lr_too_low(run: OverfitBatch, setup: SetUp) -> Iterator[Evidence]:
    """The learning rate is so low that the weights hardly move.

    Shows as: a loss that falls in a slow straight line, or seems to stand still near its first value.
    Proven by: a copy with ten or a hundred times the rate, which memorises the batch in the same number of steps. Likely, where the
    batch is memorised after all, but that copy needs at most a quarter of the steps.
    Not this when: the batch is merely hard and the loss is on its way; slow progress gets more steps before anything is said.
    Fails: a rate that a schedule has taken away is another cause.
    See: FSDL, "overfit a single batch", error plateaus: "learning rate too low"; CS231n, ratio of updates to weights of about 1e-3.
    """
    slow = run.passed and len(run.losses) > run.asked_steps and run.relative_update < _STILL
    failed = not run.passed and run.shape in (Shape.PLATEAUS, Shape.FALLING)
    if not (failed or slow) or not 0 < run.relative_update < _LIVELY:
        return
    confidence = Confidence.LIKELY if slow or run.relative_update < _STILL else Confidence.HINT
    for factor in (10.0, 100.0) if slow else (10.0, 100.0, 1000.0):
        rate = setup.rates[0] * factor
        yield Evidence(
            confidence if factor < 1000 else Confidence.HINT,
            facts=(
                Fact("learning rate", ", ".join(f"{r:g}" for r in setup.rates), "higher"),
                Fact("change of the weights in a step", f"{run.relative_update:.1e} of their size", "about 1e-3"),
            ),
            fix=Fix(f"Raise the rate to {rate:g}.", setup.rate_line(factor), f"a learning rate of {rate:g}"),
            cure=times(factor),
            eases=slow,
            refuted_by="Runs at higher rates that fare no better.",
        )


_LIVELY = 3e-3  # relative update above which a higher rate is not the first thought
_STILL = 1e-4


def _program(rate: float) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=rate), classes())


@lr_too_low.bad
def hardly_moves() -> Subject:
    return _program(1e-5)


@lr_too_low.good
def moves() -> Subject:
    return _program(3e-3)
