from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...cures.into_loss import given
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.class_axis import ClassAxisCard
from ...observations.cards.meeting import is_one
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard


@check(severity=Severity.ERROR, also=("run",))
def class_dim_wrong(targets: TargetCard, setup: SetUp, axes: ClassAxisCard) -> Iterator[Evidence]:
    """The classes do not stand on the axis of the logits on which the loss looks for them.

    `CrossEntropyLoss` takes [N, C, T] for sequences and [N, C, H, W] for images. Given [N, T, C] it normalises over time and picks the
    label's place in it; where T and C are equal nothing is raised. A view to that shape moves no axis: it deals the numbers out anew.

    Shows as: "Expected target size [4, 5], got [4, 7]"; or, if both axes are equally long, a loss that falls and means nothing.
    Proven by: moving the last axis to place 1 on a copy, which then runs and memorises the batch.
    Not this when: the axis was moved by a transpose or permute or made by a convolution, which writes its channels on axis 1.
    Fails: with equal lengths only a linear layer is known to write classes last.
    See: torch.nn.CrossEntropyLoss, shapes of input and target.
    """
    if axes.order or axes.first:
        fact = Fact("how the classes come to their axis", axes.seen, "by a permute")
        yield _evidence(targets, fact, axes.code(setup.names["loss_fn"]), axes.cure, bool(axes.order))
    elif targets.goes_into("cross_entropy", "nll_loss") and len(targets.output.shape) > 2:
        shape, target = targets.output.shape, targets.target
        labels = target.integer and target.shape == shape[:-1] and target.span[1] < shape[-1]
        shares = targets.takes_shares and is_one(target.last_sums) and not is_one(target.class_sums)
        if (labels and (targets.raised or targets.features_last)) or shares:
            yield _last(targets, setup.names["loss_fn"])


def _last(targets: TargetCard, loss: str) -> Evidence:
    shape, both = targets.output.shape, targets.takes_shares
    move, seen = "transpose(1, 2)" if len(shape) == 3 else "movedim(-1, 1)", f"{list(shape)} and {list(targets.target.shape)}"
    cure = given(targets.loss, lambda output, target: (output.movedim(-1, 1), target.movedim(-1, 1) if both else target))
    fact = Fact("shapes of logits and target", seen, f"{[shape[0], shape[-1], *shape[1:-1]]} for the logits")
    return _evidence(targets, fact, f"loss = {loss}(logits.{move}, target{'.' + move if both else ''})", cure, both)


def _evidence(targets: TargetCard, fact: Fact, code: str, cure: Callable[[Subject], Subject], sure: bool = False) -> Evidence:
    fix = Fix("Move the classes by permute or transpose to where the loss looks for them.", code, "the axis of the classes moved")
    said = Confidence.PROVEN if sure else Confidence.LIKELY
    return Evidence(said, (fact,), targets.loss_line.place, fix, cure, always=not targets.raised)


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
