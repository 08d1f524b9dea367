from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.loss import fed
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.outputs import OutputCard
from ...observations.cards.set_up import SetUp
from ...observations.cards.softmaxes import SoftmaxCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def nll_without_log_softmax(outputs: OutputCard, run: OverfitBatch, setup: SetUp, softmaxes: SoftmaxCard) -> Iterator[Evidence]:
    """Raw scores are fed to a loss that expects log-probabilities.

    `NLLLoss` only picks out the entry of the right class and turns its sign. Given raw scores it has no floor: the loss falls below zero
    for ever while the scores grow, and nothing is compared between classes.

    Shows as: a loss below zero that never settles.
    Proven by: a likelihood of classes below zero before our eyes, or a copy with log_softmax that settles at its floor.
    Not this when: the rows are log-probabilities (the sum of their exponentials is 1).
    Fails: probabilities fed to NLLLoss are another cause, softmax_with_nll.
    See: torch.nn.NLLLoss, "obtaining log-probabilities is easily achieved by adding a LogSoftmax layer".
    """
    normalised = outputs.log_probabilities or outputs.rows_sum_to_one or (outputs.closing and outputs.closing.name == "log_softmax")
    if not outputs.goes_into("nll_loss") or normalised or any(call.over_batch for call in softmaxes.calls):
        return
    yield Evidence(
        Confidence.PROVEN if run.final < 0 else Confidence.LIKELY,
        facts=(
            Fact("largest |log of the sum of exp| of a row", f"{outputs.row_logsumexp:.2f}", "0.00"),
            Fact("loss at the end", f"{run.final:.2f}", "never below 0"),
        ),
        fix=Fix(
            "Take log_softmax at the end of the model, or use CrossEntropyLoss, which does both.",
            f"{setup.names['loss_fn']} = torch.nn.CrossEntropyLoss()",
            "log_softmax before the loss",
        ),
        cure=fed("nll_loss", lambda scores: scores.log_softmax(1 if scores.ndim > 1 else 0)),
        always=True,
        refuted_by="Rows whose exponentials sum to one.",
    )


def _program(*closing: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), *closing)
    return Subject(net, nn.NLLLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@nll_without_log_softmax.bad
def ends_in_raw_scores() -> Subject:
    return _program()


@nll_without_log_softmax.good
def ends_in_log_softmax() -> Subject:
    return _program(nn.LogSoftmax(dim=1))
