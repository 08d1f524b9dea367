from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.into_loss import as_yes_or_no, whole_loss_as_yes_or_no
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard
from ..small_data import flags


@check(severity=Severity.ERROR)
def single_logit_ce(targets: TargetCard, setup: SetUp) -> Iterator[Evidence]:
    """Cross entropy is given one logit for each sample.

    A softmax over one class is 1 whatever the logit is, so the loss is exactly 0 from the first step on and no gradient flows. One axis of
    N logits is worse: the N samples are taken for N classes of one sample.

    Shows as: a loss of exactly 0.0 at step 0; "Target 1 is out of bounds"; a perfect loss and an accuracy that never moves.
    Proven by: the loss of 0 with one class before our eyes; a copy with BCEWithLogitsLoss that runs and memorises the batch.
    Not this when: there are two or more logits a sample.
    Fails: targets that are no yes or no are a matter of loss_model_task_mismatch.
    See: torch.nn.CrossEntropyLoss, shape (N, C) where C is the number of classes; torch.nn.BCEWithLogitsLoss.
    """
    if not targets.shares_one_softmax or not 0 <= targets.target.span[0] <= targets.target.span[1] <= 1:
        return
    one = len(targets.output.shape) > 1 and targets.classes == 1
    row = targets.output.shape == (targets.samples,) and targets.takes_shares and targets.target.binary and targets.target.class_sums[0] > 1
    if one or row:
        yield _evidence(targets, setup.names["loss_fn"], Confidence.PROVEN if one else Confidence.LIKELY)


def _evidence(targets: TargetCard, loss: str, sure: Confidence) -> Evidence:
    seen = "it raises" if targets.value is None else f"{abs(targets.value):.3g}"
    return Evidence(
        sure,
        facts=(
            Fact("shape of the logits", str(list(targets.output.shape)), "two or more classes on axis 1"),
            Fact("loss at the start", seen, "0.69 for yes or no by chance"),
        ),
        where=targets.loss_line.place,
        fix=Fix(
            "Ask yes or no of one logit with BCEWithLogitsLoss, or give the last layer two outputs.",
            f"{loss} = torch.nn.BCEWithLogitsLoss()   # target.float() in the shape of the output",
            "BCEWithLogitsLoss on the one logit",
        ),
        cure=whole_loss_as_yes_or_no if targets.by_hand else as_yes_or_no(targets.loss),
        always=True,
        refuted_by="A gradient above 0 on the logits.",
    )


def _program(loss: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 1))
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), flags(1))


@single_logit_ce.bad
def cross_entropy_of_one_logit() -> Subject:
    return _program(nn.CrossEntropyLoss())


@single_logit_ce.good
def yes_or_no_of_one_logit() -> Subject:
    return _program(nn.BCEWithLogitsLoss())
