from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import nn

from ...cures.learning_rate import times
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.descent import DescentCard
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ...observations.overfit_batch.curve import Shape
from ..small_data import classes


@check(severity=Severity.ERROR, hyperparameter=True)
def lr_too_high(run: OverfitBatch, descent: DescentCard, setup: SetUp) -> Iterator[Evidence]:
    """The learning rate is so high that steps overshoot.

    A step that is too long lands higher than it began; the loss jumps, explodes, or throws the weights where no gradient leads back.

    Shows as: a loss that goes up, explodes, oscillates, or leaps at first and then stays at chance.
    Proven by: a copy with a tenth or a hundredth of the rate, which memorises the batch.
    Not this when: an early spike recovers, or the rate is merely larger than usual: the run decides, not the number.
    Fails: where the weights are so far out that no rate helps any more.
    See: FSDL, "overfit a single batch", error goes up, explodes or oscillates; CS231n, ratio of updates to weights.
    """
    if run.passed or not run.losses:
        return
    spike = max((v if math.isfinite(v) else math.inf for v in run.losses[:50]), default=0.0)
    overshot = descent.at_rate is not None and descent.at_rate < 0 and setup.optimizer == "SGD"
    direct = (
        overshot or run.relative_update > 0.3 or run.floor.excess(spike, run.first) > 1.5 * run.floor.excess(run.first, run.first) + 0.5
    )
    if not direct and run.relative_update < _LIVELY and run.shape is Shape.PLATEAUS:
        return  # steps too small to overshoot anything
    facts = _facts(run, setup, spike)
    for factor, confidence in ((0.1, Confidence.LIKELY), (0.01, Confidence.LIKELY), (0.001, Confidence.HINT)):
        rate = setup.rates[0] * factor
        yield Evidence(
            confidence if direct else Confidence.HINT,
            facts=facts,
            fix=Fix(f"Lower the rate to {rate:g}.", setup.rate_line(factor), f"a learning rate of {rate:g}"),
            cure=times(factor),
            refuted_by="Runs at lower rates that fare no better.",
        )


_LIVELY = 3e-3  # relative update of steps that could be too long


def _facts(run: OverfitBatch, setup: SetUp, spike: float) -> tuple[Fact, ...]:
    return (
        Fact("learning rate", ", ".join(f"{rate:g}" for rate in setup.rates), "lower"),
        Fact("change of the weights in a step", f"{run.relative_update:.1e} of their size", "about 1e-3 to 1e-2"),
        Fact("largest loss in the first 50 steps", f"{spike:.4g}", f"no higher than {run.first:.4g}, the first"),
    )


def _program(rate: float) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9), classes())


@lr_too_high.bad
def overshoots() -> Subject:
    return _program(20.0)


@lr_too_high.good
def a_large_rate_that_works() -> Subject:
    return _program(0.1)
