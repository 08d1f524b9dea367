from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.activations import without
from ...cures.loss import fed
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.outputs import Closing, OutputCard
from ..small_data import classes


@check(severity=Severity.ERROR)
def softmax_before_cross_entropy(outputs: OutputCard) -> Iterator[Evidence]:
    """Probabilities are fed to a loss that expects logits.

    `CrossEntropyLoss` takes the log-softmax itself. Taken twice, the softmax flattens the gradient: the loss falls slowly and stops at
    log(e + C - 1) - 1 above zero for C classes, because a logit of at most 1 and at least 0 is all that it ever sees.

    Shows as: a plateau at 1.46 for 10 classes, 0.55 for 3, 0.31 for 2.
    Proven by: leaving the softmax out of a copy, which then memorises the batch.
    Not this when: the outputs are log-probabilities; log_softmax twice is harmless.
    Fails: a softmax written by hand is recognised by its rows only, which then sum to one. Where the batch is memorised all the same, or
    the sign of the loss is wrong, too, it is likely and not proven.
    See: torch.nn.CrossEntropyLoss, which expects unnormalised logits; FSDL, "incorrect input to your loss function".
    """
    if outputs.goes_into("cross_entropy") and outputs.rows_sum_to_one:
        yield _evidence(outputs, outputs.closing if outputs.closing is not None and outputs.closing.name == "softmax" else None)


def _evidence(outputs: OutputCard, last: Closing | None) -> Evidence:
    code = last.taken_out if last is not None else "return logits   # not exp(logits) / exp(logits).sum()"
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact("sum of each row that enters the loss", f"{outputs.row_sum:.2f}", "any number"),
            Fact("smallest and largest entry", f"{outputs.minimum:.2g} and {outputs.maximum:.2g}", "logits on both sides of 0"),
        ),
        where=last.where if last is not None else "",
        fix=Fix(
            "Return the logits; take the softmax only to read off probabilities.",
            code,
            "logits returned instead of softmax",
            last.edits if last is not None else (),
        ),
        cure=without("softmax", last.index) if last is not None else fed("cross_entropy", lambda p: p.clamp(min=1e-30).log()),
        always=True,
        refuted_by="A run without the softmax that stops at the same loss.",
    )


def _program(*closing: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), *closing)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@softmax_before_cross_entropy.bad
def ends_in_softmax() -> Subject:
    return _program(nn.Softmax(dim=1))


@softmax_before_cross_entropy.good
def ends_in_logits() -> Subject:
    return _program()


@softmax_before_cross_entropy.good
def ends_in_log_softmax() -> Subject:
    return _program(nn.LogSoftmax(dim=1))
