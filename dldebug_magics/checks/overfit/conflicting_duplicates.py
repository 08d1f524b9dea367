from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.duplicates import DuplicateCard
from ..small_data import classes


@check(severity=Severity.WARNING)
def conflicting_duplicates(equals: DuplicateCard) -> Iterator[Evidence]:
    """The same input stands in the batch with different labels.

    No model can be right about both. Its loss stops at the entropy of the labels that one input has, and what it learns is their share.

    Shows as: a loss that stops above zero, at the conditional entropy of the labels: 0.69 where two labels are as frequent.
    Proven by: the inputs themselves, which are the same number for number, and their labels, which are not.
    Not this when: all inputs are one, which is `inputs_zeroed_or_constant`; inputs have few possible values (words, categories, blank
    pictures) and repeat of themselves; numbers differ by less than two thirds of their deviation, as repeated measurements do.
    Fails: several people's labels of one picture look the same, and may be meant.
    See: FSDL, "dataset construction": noisy labels; the floor is the conditional entropy H(y|x).
    """
    if not equals.disagreeing or equals.repeatable or equals.blank or equals.one_for_all or (equals.numbers and equals.floor < _MOST):
        return
    (one, other), (first, second) = equals.pair, equals.labels
    yield Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("samples with the input of another, and another label", f"{equals.disagreeing} of {equals.samples}", "0"),
            Fact("the first two", f"numbers {one} and {other} of the batch, labelled {first} and {second}", "one label"),
            Fact(_FLOOR[equals.numbers], f"{equals.floor:.3f}", "0"),
        ),
        fix=Fix(
            "Find out which label is right, and keep one sample of each input.",
            f"x[{one}].equal(x[{other}]), y[{one}], y[{other}]   # look at this pair first",
        ),
        always=True,
        refuted_by="Inputs of these two samples that differ.",
    )


_MOST = 0.4  # of the variance of numbers: less may be noise of a repeated measurement
_FLOOR = {False: "cross entropy that no model gets below", True: "share of the labels' variance that no model explains"}


def _program(different: int) -> Subject:
    torch.manual_seed(0)
    points, labels = classes()
    rows = torch.arange(32) % different
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (points[rows], labels))


@conflicting_duplicates.bad
def eight_inputs_for_thirty_two_labels() -> Subject:
    return _program(different=8)


@conflicting_duplicates.good
def each_input_once() -> Subject:
    return _program(different=32)


@conflicting_duplicates.good
def labels_of_a_category() -> Subject:
    torch.manual_seed(0)
    rows, net = torch.eye(4).repeat(8, 1), nn.Linear(4, 10)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=3e-2), (rows, classes()[1]))
