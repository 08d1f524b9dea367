from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from ...cures.into_loss import given
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import in_data
from ...observations.cards.meeting import is_one
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard
from ..small_data import classes


@check(severity=Severity.ERROR, also=("run",))
def one_hot_to_ce(targets: TargetCard, setup: SetUp) -> Iterator[Evidence]:
    """The labels are one-hot rows of whole numbers, and the loss refuses them.

    A loss of classes takes the number of the class, or a share for each class as real numbers. `one_hot` gives whole numbers in the
    shape of shares, which is neither.

    Shows as: "Expected floating point type for target with class probabilities"; with NLLLoss "multi-target not supported".
    Proven by: a copy that is given the number of each row's 1, which runs and memorises the batch.
    Not this when: the rows are real numbers; cross entropy takes these, and the loss is the same.
    Fails: rows with several ones are another cause, multi_hot_to_ce.
    See: torch.nn.CrossEntropyLoss, "performance is generally better when target contains class indices".
    """
    target = targets.target
    refused = targets.raised and targets.goes_into("cross_entropy", "nll_loss") and target.shape == targets.output.shape
    if refused and len(target.shape) > 1 and target.binary and is_one(target.class_sums) and targets.classes > 1:
        yield Evidence(
            Confidence.LIKELY,
            facts=(
                Fact("shape of the target", str(list(target.shape)), f"[{target.shape[0]}], or real numbers"),
                Fact("what its rows hold", "a single 1", "the number of the class"),
            ),
            where=targets.loss_line.place,
            fix=_fix(setup.names),
            cure=given(targets.loss, lambda output, hot: (output, hot.argmax(1))),
            refuted_by="A loss that takes these rows.",
        )


def _fix(names: Mapping[str, str]) -> Fix:
    code, edits = f"loss = {names['loss_fn']}(logits, target.argmax(dim=1))", in_data(names["train"], 1, "{}.argmax(dim=1)")
    return Fix("Give the loss the number of the class.", code, "the number of the class as target", edits)


def _program(dtype: torch.dtype) -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), classes()
    hot = nn.functional.one_hot(labels, 10).to(dtype)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (points, hot))


@one_hot_to_ce.bad
def rows_of_whole_numbers() -> Subject:
    return _program(torch.long)


@one_hot_to_ce.good
def rows_of_real_numbers() -> Subject:
    return _program(torch.float)
