from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.into_loss import given
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.meeting import is_one
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard


@check(severity=Severity.ERROR)
def class_dim_wrong(targets: TargetCard, setup: SetUp) -> Iterator[Evidence]:
    """The classes stand on the last axis of the logits, and the loss looks for them on axis 1.

    `CrossEntropyLoss` takes [N, C, T] for sequences and [N, C, H, W] for images. Given [N, T, C] it normalises over time and picks the
    label's place in it; where T and C are equal nothing is raised.

    Shows as: "Expected target size [4, 5], got [4, 7]"; or, if both axes are equally long, a loss that falls and means nothing.
    Proven by: moving the last axis to place 1 on a copy, which then runs and memorises the batch.
    Not this when: the logits were transposed or made by a convolution, which writes its channels on axis 1.
    Fails: with equal lengths only a linear layer is known to write classes last.
    See: torch.nn.CrossEntropyLoss, shapes of input and target.
    """
    shape, target = targets.output.shape, targets.target
    if not targets.goes_into("cross_entropy", "nll_loss") or len(shape) < 3:
        return
    labels = target.integer and target.shape == shape[:-1] and target.span[1] < shape[-1]
    shares = targets.takes_shares and is_one(target.last_sums) and not is_one(target.class_sums)
    if (labels and (targets.raised or targets.features_last)) or shares:
        yield _evidence(targets, setup.names["loss_fn"], Confidence.PROVEN if shares else Confidence.LIKELY)


def _evidence(targets: TargetCard, loss: str, sure: Confidence) -> Evidence:
    move, shape = "transpose(1, 2)" if len(targets.output.shape) == 3 else "movedim(-1, 1)", targets.output.shape
    both = targets.takes_shares
    return Evidence(
        sure,
        facts=(
            Fact("shape of the logits", str(list(shape)), str([shape[0], shape[-1], *shape[1:-1]])),
            Fact("shape of the target", str(list(targets.target.shape)), "one label for each place"),
        ),
        where=targets.loss_line.place,
        fix=Fix(
            "Put the classes on axis 1 before the loss.",
            f"loss = {loss}(logits.{move}, target{'.' + move if both else ''})",
            "the classes moved to axis 1",
        ),
        cure=given(targets.loss, lambda output, target: (output.movedim(-1, 1), target.movedim(-1, 1) if both else target)),
        always=not targets.raised,
        refuted_by="Logits whose axis 1 is as long as there are classes.",
    )


def _program(length: int, moved: bool) -> Subject:
    torch.manual_seed(0)
    points, labels = torch.randn(8, length, 6), torch.randint(0, 5, (8, length))
    net, criterion = nn.Sequential(nn.Linear(6, 128), nn.ReLU(), nn.Linear(128, 5)), nn.CrossEntropyLoss()
    loss = (lambda z, y: criterion(z.transpose(1, 2), y)) if moved else criterion
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=3e-2), (points, labels))


@class_dim_wrong.bad
def classes_last() -> Subject:
    return _program(7, moved=False)


@class_dim_wrong.good
def classes_on_axis_one() -> Subject:
    return _program(7, moved=True)


@class_dim_wrong.good
def as_long_as_there_are_classes() -> Subject:
    return _program(5, moved=True)
