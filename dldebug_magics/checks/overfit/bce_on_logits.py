from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.into_loss import as_yes_or_no
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard
from ..small_data import flags


@check(severity=Severity.ERROR, also=("run",))
def bce_on_logits(targets: TargetCard, setup: SetUp) -> Iterator[Evidence]:
    """Raw scores are fed to a loss that expects probabilities.

    `BCELoss` takes the logarithm of what it is given, so that has to lie between 0 and 1. A linear layer's output does not.

    Shows as: "all elements of input should be between 0 and 1"; on a GPU a device-side assert.
    Proven by: a copy with BCEWithLogitsLoss, which takes the sigmoid itself, runs and memorises the batch.
    Not this when: a sigmoid or softmax stands before the loss and its outputs became nan.
    Fails: scores that lie between 0 and 1 at first, and leave it later.
    See: torch.nn.BCEWithLogitsLoss, "more numerically stable than using a plain Sigmoid followed by a BCELoss".
    """
    low, high = targets.output.span
    if targets.raised and targets.goes_into("binary_cross_entropy") and (low < -_MARGIN or high > 1 + _MARGIN):
        yield Evidence(
            Confidence.LIKELY,
            facts=(Fact("smallest and largest entry that enters the loss", f"{low:.2f} and {high:.2f}", "between 0 and 1"),),
            where=targets.loss_line.place,
            fix=Fix(
                "Let the loss take the sigmoid.",
                f"{setup.names['loss_fn']} = torch.nn.BCEWithLogitsLoss()",
                "BCEWithLogitsLoss on the scores",
            ),
            cure=as_yes_or_no("binary_cross_entropy"),
            refuted_by="Entries between 0 and 1.",
        )


_MARGIN = 0.01  # beyond rounding


def _program(loss: nn.Module, *closing: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 4), *closing)
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), flags())


@bce_on_logits.bad
def scores_taken_for_probabilities() -> Subject:
    return _program(nn.BCELoss())


@bce_on_logits.good
def scores_taken_for_scores() -> Subject:
    return _program(nn.BCEWithLogitsLoss())


@bce_on_logits.good
def ends_in_sigmoid() -> Subject:
    return _program(nn.BCELoss(), nn.Sigmoid())
