from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.loss_scale import divided
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import of_a_mean
from ...observations.cards.reduction import ReductionCard
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def wrong_reduction(reduction: ReductionCard, run: OverfitBatch, setup: SetUp) -> Iterator[Evidence]:
    """The loss is a sum over the samples, and its gradient grows with the batch.

    A sum over 32 samples is 32 times the mean, and so is its gradient: with plain SGD that is a learning rate 32 times as high, and another
    one for every size of batch.

    Shows as: a loss that goes up, explodes, or leaps at first and then stays at chance.
    Proven by: the batch taken twice, which doubles the loss; and a copy whose loss is divided by the number of samples, which memorises it.
    Not this when: the rate was chosen for the sum, or the optimizer does not mind the scale: the run passes.
    Fails: a mean over the wrong thing, such as the padding, is no sum.
    See: torch.nn.CrossEntropyLoss, `reduction`; FSDL, "overfit a single batch", error explodes.
    """
    if run.passed or run.crash is not None or not reduction.sums:
        return
    for count, what in ((reduction.samples, "samples"), (reduction.targets, "targets")):
        if what == "samples" or count > reduction.samples:
            yield _evidence(reduction, count, what, setup.names["loss_fn"])


def _evidence(reduction: ReductionCard, count: int, what: str, loss: str) -> Evidence:
    edits = of_a_mean(loss) if reduction.written == "sum" else ()
    code = 'reduction="mean"' if reduction.written == "sum" else f"loss = loss / {count}   # the number of {what}"
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact("loss of the batch taken twice, over that of the batch", f"{reduction.doubled:.2f}", "1.00, as of a mean"),
            Fact(f"number of {what} summed over", str(count)),
        ),
        fix=Fix(f"Take the mean over the {what}, not the sum.", code, f"the loss divided by its {count} {what}", edits),
        cure=divided(count),
        refuted_by="A run on the mean that fares no better.",
    )


def _program(reduction: str, rate: float) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    loss = nn.CrossEntropyLoss(reduction=reduction)
    return Subject(net, loss, torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9), classes())


@wrong_reduction.bad
def sums_at_a_rate_for_means() -> Subject:
    return _program("sum", 0.2)


@wrong_reduction.good
def takes_the_mean() -> Subject:
    return _program("mean", 0.2)


@wrong_reduction.good
def sums_at_a_rate_for_sums() -> Subject:
    return _program("sum", 0.005)
