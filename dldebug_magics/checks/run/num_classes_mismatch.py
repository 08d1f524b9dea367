from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.heads import with_outputs
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...observations.cards.class_count import ClassCount
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard
from ..small_data import classes


@check(severity=Severity.ERROR, also=("overfit",))
def num_classes_mismatch(count: ClassCount, targets: TargetCard, setup: SetUp) -> Iterator[Evidence]:
    """The model has fewer outputs than the data have classes, or not as many as the target has columns.

    The last layer gives one number a class. A head made for another data set, a library's default of two labels or a forgotten class
    (the background, the padding) leaves labels without an output.

    Shows as: "Target 3 is out of bounds"; with yes or no for each class, "Target size must be the same as input size".
    Proven by: the class numbers in the training data, counted from 0, against the outputs; with a larger last layer a copy runs.
    Not this when: labels run from 1 to the number of outputs, or the one that is too large is a mark to be ignored (label_out_of_range).
    Fails: where the class that is missing does not come up in what was read.
    See: torch.nn.CrossEntropyLoss, "class indices in the range [0, C)".
    """
    if count.needed:
        layer = module_expression(setup.names["model"], count.layer)
        code = (
            f"{layer} = nn.{count.kind}({count.inputs}, {count.needed}{', ...' if 'Conv' in count.kind else ''})   # best where it is built"
        )
        seen = f"{count.low} to {count.high}" if targets.takes_labels else f"{count.needed} columns"
        read = f" in {count.read} samples of the data" if targets.takes_labels else " of the target"
        yield Evidence(
            Confidence.LIKELY,
            facts=(Fact(f"classes{read}", seen, f"as many as there are outputs, {count.outputs}"),),
            where=f"`{count.layer}`" if count.layer else targets.loss_line.place,
            fix=Fix(f"Give the last layer {count.needed} outputs.", code if count.layer else "", f"{count.needed} outputs"),
            cure=with_outputs(count.layer, count.needed) if count.layer else None,
            refuted_by="Class numbers below the number of outputs.",
        )


def _program(outputs: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, outputs))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@num_classes_mismatch.bad
def a_head_for_seven_of_ten() -> Subject:
    return _program(7)


@num_classes_mismatch.good
def an_output_a_class() -> Subject:
    return _program(10)


@num_classes_mismatch.good
def more_outputs_than_classes() -> Subject:
    return _program(12)
