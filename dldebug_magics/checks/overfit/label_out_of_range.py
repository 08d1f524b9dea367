from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ...cures.into_loss import given
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import in_data
from ...observations.cards.class_count import ClassCount, labels_in
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard
from ..small_data import classes


@check(severity=Severity.ERROR, also=("run",))
def label_out_of_range(targets: TargetCard, count: ClassCount, setup: SetUp) -> Iterator[Evidence]:
    """A label names a class that the model has no output for.

    With C outputs the classes are numbered 0 to C - 1. Labels that begin at 1, or a mark such as -1 or 255 for "unknown", make the loss
    read beyond the end of a row.

    Shows as: "Target 10 is out of bounds"; on a GPU a device-side assert, often lines later.
    Proven by: the smallest and largest label against the number of outputs; where the labels only need renumbering, a copy that memorises.
    Not this when: the label is the loss's own ignore_index; or the data have more classes than there are outputs (num_classes_mismatch).
    Fails: labels 1 to C whose largest does not come up in this batch.
    See: torch.nn.CrossEntropyLoss, "class indices in the range [0, C)".
    """
    labels = labels_in(targets)
    if not targets.takes_labels or targets.classes < 2 or count.needed or not labels:
        return
    if min(labels) < 0 or max(labels) >= targets.classes:
        yield _evidence(targets, sorted({*labels, *((count.low, count.high) if count.read else ())}), setup.names["train"])


def _evidence(targets: TargetCard, values: list[int], data: str) -> Evidence:
    fix, change, settings = _remedy(values, targets.classes, bool(targets.target.values), data)
    return Evidence(
        Confidence.PROVEN,
        facts=(Fact("labels", f"{min(values)} to {max(values)}", f"0 to {targets.classes - 1}, as there are outputs"),),
        where=targets.loss_line.place,
        fix=fix,
        cure=None if change is None else given(targets.loss, lambda output, labels: (output, change(labels)), **settings),
        always=True,
        refuted_by="Labels between 0 and the number of outputs.",
    )


def _remedy(values: list[int], count: int, all_known: bool, data: str) -> tuple[Fix, Callable[[Tensor], Tensor] | None, dict[str, int]]:
    """The fix, the labels changed, and settings of the loss; no change where only more outputs or other numbers help."""
    outside = [v for v in values if not 0 <= v < count]
    if min(values) == 1 and max(values) == count:
        fix = Fix("Count the classes from 0.", "labels = labels - 1", "labels counted from 0", in_data(data, 1, "{} - 1"))
        return fix, lambda labels: labels - 1, {}
    if all_known and set(values) == {-1, 1}:
        fix = Fix("Number the two classes 0 and 1.", "labels = (labels + 1) // 2", "labels 0 and 1", in_data(data, 1, "({} + 1) // 2"))
        return fix, lambda labels: (labels + 1) // 2, {}
    if all_known and outside in ([-1], [255]):
        fix = Fix("Tell the loss which label means none.", f"CrossEntropyLoss(ignore_index={outside[0]})", f"the mark {outside[0]} ignored")
        return fix, lambda labels: labels, {"ignore_index": outside[0]}
    return Fix(f"Give the last layer {max(values) + 1} outputs, or number the classes from 0."), None, {}


def _program(first: int) -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), classes()
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (points, labels + first))


@label_out_of_range.bad
def counted_from_one() -> Subject:
    return _program(1)


@label_out_of_range.good
def counted_from_zero() -> Subject:
    return _program(0)
