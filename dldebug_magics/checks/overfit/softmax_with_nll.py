from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.loss import fed
from ...engine.check import check
from ...engine.edits import Edit
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import called_otherwise
from ...observations.cards.outputs import OutputCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def softmax_with_nll(outputs: OutputCard, run: OverfitBatch) -> Iterator[Evidence]:
    """Probabilities are fed to a loss that expects their logarithms.

    `NLLLoss` takes no logarithm: it picks out the entry of the right class and turns its sign. Given probabilities it is the negative of
    the right class's probability, between -1 and 0, and the gradient fades exactly where the model is most wrong.

    Shows as: a loss between -1 and 0 from the first step on.
    Proven by: rows that sum to one and a likelihood loss below zero before our eyes, or a copy with the logarithm that memorises.
    Not this when: the rows are log-probabilities, whose exponentials sum to one.
    Fails: raw scores are another cause, nll_without_log_softmax.
    See: torch.nn.NLLLoss, "the input given through a forward call is expected to contain log-probabilities of each class".
    """
    if outputs.goes_into("nll_loss") and outputs.rows_sum_to_one:
        yield _evidence(outputs, run)


def _evidence(outputs: OutputCard, run: OverfitBatch) -> Evidence:
    last = outputs.closing
    edits: tuple[Edit, ...] = ()
    code = "return torch.log_softmax(logits, dim=1)"
    if last is not None and last.name == "softmax":
        line = last.line.source.replace("softmax(", "log_softmax(").replace("Softmax(", "LogSoftmax(")
        code = f"{last.expression} = torch.nn.LogSoftmax(dim=1)" if last.expression else line or code
        edits = () if last.expression else called_otherwise(last.line, "softmax", "log_softmax")
    return Evidence(
        Confidence.PROVEN if -1.01 < run.final < 0 else Confidence.LIKELY,
        facts=(
            Fact("sum of each row that enters the loss", f"{outputs.row_sum:.2f}", "its exponentials sum to 1, not the row"),
            Fact("loss at the end", f"{run.final:.2f}", "never below 0"),
        ),
        where=last.where if last is not None else "",
        fix=Fix("Return log-probabilities: log_softmax instead of softmax.", code, "the logarithm taken before the loss", edits),
        cure=fed("nll_loss", lambda p: p.clamp(min=1e-30).log()),
        always=True,
        refuted_by="Rows whose exponentials sum to one.",
    )


def _program(*closing: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), *closing)
    return Subject(net, nn.NLLLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@softmax_with_nll.bad
def ends_in_softmax() -> Subject:
    return _program(nn.Softmax(dim=1))


@softmax_with_nll.good
def ends_in_log_softmax() -> Subject:
    return _program(nn.LogSoftmax(dim=1))
