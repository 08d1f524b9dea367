from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...cures.into_loss import as_classes, as_shares, as_values
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.label_order import LabelOrder
from ...observations.cards.targets import TargetCard
from ..small_data import values


@check(severity=Severity.WARNING)
def loss_model_task_mismatch(targets: TargetCard, order: LabelOrder) -> Iterator[Evidence]:
    """The loss is made for another kind of target than it is given.

    Binary cross entropy asks for numbers from 0 to 1, cross entropy for class numbers or shares, a squared error for quantities. Given
    masks of 0 and 255, real quantities or class numbers in turn, each has another best answer than the one meant, or none at all.

    Shows as: a loss below zero that never settles; a loss that raises; a regression on numbers of classes, which have no order.
    Proven by: targets outside of what the loss is defined for; a copy with the loss or the targets changed, which memorises the batch.
    Likely, where samples that are alike, and differ in their number, differ as much as under any other numbering.
    Not this when: whole numbers are quantities (ages, counts, grades); one-hot rows go into BCE; masked entries carry a mark.
    Fails: a loss written by hand; the numbers of fewer than five classes, for one output, unless the data set names its classes.
    See: TheDeepChecker (Ben Braiek & Khomh), loss and output mismatch; torch.nn.BCEWithLogitsLoss, torch.nn.CrossEntropyLoss.
    """
    low, high = targets.target.span
    if targets.masked:
        return
    if targets.loss.startswith("binary_cross_entropy") and (low < -1e-3 or high > 1.001):
        yield _not_from_0_to_1(targets)
    elif targets.takes_quantities:
        yield _evidence(targets, "real quantities", "class numbers, or shares from 0 to 1", _SQUARED, as_values("cross_entropy"))
    elif targets.goes_into(*_OF_QUANTITIES) and (order.none or targets.counts_classes):
        cure = as_classes(targets.loss) if targets.counts_classes and targets.output.shape[-1] > high else None
        yield _evidence(targets, order.told if order.none else "numbers of classes", "quantities", _CLASSES, cure)


def _not_from_0_to_1(targets: TargetCard) -> Evidence:
    (low, high), target = targets.target.span, targets.target
    seen = f"{low:.3g} to {high:.3g}"
    if len(target.values) == 2 or (low >= 0 and not target.whole):
        low, high = (low, high) if target.whole else (0.0, 255.0 if 100 < high <= 255 else high)
        code = f"target = (target - {low:g}) / {high - low:g}" if low else f"target = target / {high:g}"
        fix = Fix("Bring the targets to between 0 and 1.", code, "targets from 0 to 1")
        return _evidence(targets, seen, "0 to 1", fix, as_shares(targets.loss, low, high))
    if target.whole and target.values:
        return _evidence(targets, f"whole numbers {seen}", "0 or 1", _CLASSES)
    return _evidence(targets, seen, "0 to 1", _SQUARED, as_values(targets.loss))


def _evidence(targets: TargetCard, seen: str, expected: str, fix: Fix, cure: Callable[[Subject], Subject] | None = None) -> Evidence:
    sure = Confidence.LIKELY if targets.goes_into(*_OF_QUANTITIES) else Confidence.PROVEN
    fact, refutation = Fact(f"targets of {targets.loss}", seen, expected), "Targets of the kind that the loss is made for."
    return Evidence(sure, (fact,), targets.loss_line.place, fix, cure, always=True, refuted_by=refutation)


_SQUARED = Fix("Compare quantities with a squared error.", "loss_fn = torch.nn.MSELoss()", "a squared error")
_CLASSES = Fix("Use CrossEntropyLoss, and an output for each class.", "loss_fn = torch.nn.CrossEntropyLoss()", "CrossEntropyLoss")
_OF_QUANTITIES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


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
