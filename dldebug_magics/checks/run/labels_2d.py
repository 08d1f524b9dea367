from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...cures.into_loss import given
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard
from ..small_data import classes


@check(severity=Severity.ERROR, also=("overfit",))
def labels_2d(targets: TargetCard, setup: SetUp) -> Iterator[Evidence]:
    """The class numbers have an axis of length 1 that the loss does not take.

    A loss of classes takes one number for each place: [N] for samples, [N, H, W] for the pixels of masks. A column [N, 1], as tables give
    it, or masks with a channel [N, 1, H, W] have an axis too many.

    Shows as: "0D or 1D target tensor expected, multi-target not supported"; for masks "only batches of spatial targets supported".
    Proven by: the target's shape less that axis is the shape of the places; with the axis squeezed out a copy runs.
    Not this when: the axis holds several numbers a sample: then the rows are one-hot, or there are several answers.
    Fails: nothing known.
    See: torch.nn.CrossEntropyLoss, shape of the target; FSDL, forgot to get rid of dimensions of size 1.
    """
    output, target = targets.output.shape, targets.target
    places = output[:1] + output[2:]
    column = len(output) > 1 and target.shape[1:2] == (1,) and target.shape[:1] + target.shape[2:] == places
    if targets.raised and targets.goes_into("cross_entropy", "nll_loss") and column and target.whole and targets.classes > 1:
        whole = "" if target.integer else ".long()"
        yield Evidence(
            Confidence.LIKELY,
            facts=(Fact("shape of the target", str(list(target.shape)), str(list(places))),),
            where=targets.loss_line.place,
            fix=Fix(
                "Squeeze the axis of length 1 out of the labels.",
                f"loss = {setup.names['loss_fn']}(logits, labels.squeeze(1){whole})",
                "the labels squeezed" + (" and made whole numbers" if whole else ""),
            ),
            cure=given(targets.loss, _squeezed),
            refuted_by="A target with one axis less.",
        )


def _squeezed(output: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    return output, labels.squeeze(1).long()


def _program(column: bool) -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), classes()
    batch = points, labels[:, None] if column else labels
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), batch)


@labels_2d.bad
def labels_in_a_column() -> Subject:
    return _program(column=True)


@labels_2d.good
def labels_in_a_row() -> Subject:
    return _program(column=False)


@labels_2d.good
def a_column_of_answers_to_a_column_of_outputs() -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1)), classes()
    return Subject(net, nn.BCEWithLogitsLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (points, (labels[:, None] > 4).float()))
