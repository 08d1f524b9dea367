from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...cures.into_loss import as_classes, as_shares, as_values
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.targets import TargetCard
from ..small_data import values


@check(severity=Severity.WARNING)
def loss_model_task_mismatch(targets: TargetCard) -> Iterator[Evidence]:
    """The loss is made for another kind of target than it is given.

    Binary cross entropy asks for numbers from 0 to 1, cross entropy for class numbers or shares, a squared error for quantities. Given masks
    of 0 and 255, real quantities or class numbers in turn, each has another best answer than the one meant, or none at all.

    Shows as: a loss below zero that never settles; a loss that raises; a regression on numbers of classes, which have no order.
    Proven by: targets outside of what the loss is defined for; a copy with the loss or the targets changed, which memorises the batch.
    Not this when: whole numbers are quantities (ages, counts, grades); one-hot rows go into BCE; masked entries carry a mark.
    Fails: a loss written by hand; class numbers in one column, unless the data set names its classes.
    See: TheDeepChecker (Ben Braiek & Khomh), loss and output mismatch; torch.nn.BCEWithLogitsLoss, torch.nn.CrossEntropyLoss.
    """
    low, high = targets.target.span
    if targets.masked:
        return
    if targets.loss.startswith("binary_cross_entropy") and (low < -_MARGIN or high > 1 + _MARGIN):
        yield from _not_between(targets, low, high)
    elif targets.goes_into("cross_entropy") and not targets.target.integer and (low < -_MARGIN or (high > 1 and not targets.target.whole)):
        fix = Fix("Compare quantities with a squared error.", "loss_fn = torch.nn.MSELoss()", "a squared error")
        yield _evidence(targets, "real quantities", "class numbers, or shares from 0 to 1", fix, as_values("cross_entropy"))
    elif targets.goes_into("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss") and _are_classes(targets):
        fix = Fix("Use CrossEntropyLoss, and an output for each class.", "loss_fn = torch.nn.CrossEntropyLoss()", "CrossEntropyLoss")
        columns = len(targets.output.shape) == 2 and targets.output.shape[1] > high
        yield _evidence(targets, "numbers of classes", "quantities", fix, as_classes(targets.loss) if columns else None)


def _not_between(targets: TargetCard, low: float, high: float) -> Iterator[Evidence]:
    two = len(targets.target.values) == 2
    if two or (low >= 0 and not targets.target.whole):
        fix = Fix("Bring the targets to between 0 and 1.", f"target = (target - {low:g}) / {high - low:g}", "targets from 0 to 1")
        yield _evidence(targets, f"{low:g} to {high:g}", "0 to 1", fix, as_shares(targets.loss, low, high))
    elif targets.target.whole and len(targets.target.values) > 2:
        yield _evidence(
            targets, f"whole numbers {low:g} to {high:g}", "0 or 1", Fix("Use CrossEntropyLoss, and an output for each class."), None
        )
    else:
        fix = Fix("Compare quantities with a squared error.", "loss_fn = torch.nn.MSELoss()", "a squared error")
        yield _evidence(targets, f"{low:.3g} to {high:.3g}", "0 to 1", fix, as_values(targets.loss))


def _are_classes(targets: TargetCard) -> bool:
    """Whether a sample has one whole number, below the number of columns that it is compared with, or of the classes that the data names."""
    each = targets.target.whole and targets.target.span[0] >= 0 and targets.target.shape in ((targets.samples,), (targets.samples, 1))
    columns = targets.output.shape[1] if len(targets.output.shape) == 2 else 1
    return each and max(columns, targets.declared) > max(2, targets.target.span[1]) and targets.output.shape[0] == targets.samples


def _evidence(targets: TargetCard, seen: str, expected: str, fix: Fix, cure: Callable[[Subject], Subject] | None) -> Evidence:
    sure = Confidence.LIKELY if targets.goes_into("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss") else Confidence.PROVEN
    fact = Fact(f"targets of {targets.loss}", seen, expected)
    return Evidence(
        sure, (fact,), targets.loss_line.place, fix, cure, always=True, refuted_by="Targets of the kind that the loss is made for."
    )


_MARGIN = 1e-3


def _program(loss: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), values())


@loss_model_task_mismatch.bad
def cross_entropy_of_quantities() -> Subject:
    return _program(nn.CrossEntropyLoss())


@loss_model_task_mismatch.good
def squared_error_of_quantities() -> Subject:
    return _program(nn.MSELoss())
