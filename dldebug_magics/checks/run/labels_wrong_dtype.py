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
from ...observations.shape_trace import ShapeTrace
from ..small_data import classes

_OF_CLASSES = ("cross_entropy", "nll_loss")


@check(severity=Severity.ERROR)
def labels_wrong_dtype(trace: ShapeTrace, targets: TargetCard, setup: SetUp) -> Iterator[Evidence]:
    """The labels are numbers of a kind that the loss does not take.

    A loss of classes takes whole numbers of 64 bits (or bytes), one a place. A loss of probabilities or quantities takes real numbers of
    the output's own kind. Tables read classes as floats, masks come as 32-bit integers, yes and no as 0 and 1 of whole numbers, and numpy
    makes everything float64.

    Shows as: "expected target dtype to be Long or Byte, but got Float"; "Found dtype Long but expected Float"; "can't be cast to Long".
    Proven by: shape and values fit, the kind does not; cast on the way into the loss, a copy runs.
    Not this when: the shapes differ, too; or the rows are one-hot (one_hot_to_ce).
    Fails: a loss written by hand that compares labels of the wrong kind without a word.
    See: torch.nn.CrossEntropyLoss and torch.nn.BCEWithLogitsLoss, target; FSDL, "get your model to run", casting.
    """
    failure, output, target = trace.failure, targets.output.shape, targets.target
    if failure is None or failure.phase not in ("forward", "loss", "backward") or not _about_kinds(failure.message):
        return
    counts = targets.goes_into(*_OF_CLASSES) and target.shape == output[:1] + output[2:] and target.whole and target.span[0] >= 0
    if not targets.loss or not (counts or (target.shape == output and not targets.goes_into(*_OF_CLASSES))):
        return
    kind = next((row.inputs[1].dtype for row in reversed(trace.rows) if row.kind == targets.loss and len(row.inputs) > 1), "another kind")
    cast, what = (".long()", "int64") if counts else (".to(output.dtype)" if "64" in kind and "float" in kind else ".float()", "float32")
    yield Evidence(
        Confidence.LIKELY,
        facts=(Fact(f"kind of the target of {targets.loss}", kind, what),),
        where=targets.loss_line.place,
        fix=Fix("Cast the target.", f"loss = {setup.names['loss_fn']}(output, target{cast})", f"the target cast to {what}"),
        cure=given(targets.loss, _as_classes if counts else _as_quantities),
    )


def _about_kinds(message: str) -> bool:
    return any(word in message for word in ("dtype", "be cast to", "bool tensor", "Integral inputs"))


def _as_classes(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    return output, target.long()


def _as_quantities(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    return output, target.to(output.dtype)


def _program(kind: torch.dtype) -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), classes()
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (points, labels.to(kind)))


@labels_wrong_dtype.bad
def classes_read_as_floats() -> Subject:
    return _program(torch.float32)


@labels_wrong_dtype.good
def classes_as_whole_numbers() -> Subject:
    return _program(torch.int64)
