from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.input_use import InputUse
from ..small_data import classes


@check(severity=Severity.ERROR)
def inputs_zeroed_or_constant(use: InputUse) -> Iterator[Evidence]:
    """The samples of a batch are all the same, or many are all zero, while their labels differ.

    A file that was not read, a transform that divides whole numbers, a buffer that is filled after it was copied: what reaches the model
    tells nothing about the label.

    Shows as: a plateau at the entropy of the labels, or at the variance of the targets.
    Proven by: samples that are equal to the last bit, with different labels.
    Not this when: all labels are the same, too; some samples are empty by nature (fewer than a fifth); single columns are constant.
    Fails: inputs that differ and say nothing are a matter of the labels.
    See: FSDL, "overfit a single batch", error oscillates or plateaus: "data or labels corrupted", zeroed.
    """
    if use.all_same and use.targets_differ:
        what = "all different from each other" if use.constant is None else f"not all {use.constant:g}"
        yield _evidence(Fact("samples with the same input", f"{use.samples} of {use.samples}", what))
    elif use.zeroed_differ and use.zeroed >= max(3, _MANY * use.samples):
        yield _evidence(Fact("samples whose input is all 0, with different labels", f"{use.zeroed} of {use.samples}", "none"))


def _evidence(fact: Fact) -> Evidence:
    return Evidence(
        Confidence.PROVEN,
        facts=(fact,),
        fix=Fix("Look at what the dataset gives, before and after its transforms.", "print([x.float().std() for x, _ in dataset][:8])"),
        always=True,
        refuted_by="Two samples that differ.",
    )


_MANY = 0.2


def _program(kept: int, same_label: bool = False) -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), classes()
    shown = torch.cat([points[:kept], torch.zeros_like(points[kept:])])
    labels = torch.cat([labels[:kept], labels[kept : kept + 1].expand(32 - kept)]) if same_label else labels
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (shown, labels))


@inputs_zeroed_or_constant.bad
def all_zero() -> Subject:
    return _program(kept=0)


@inputs_zeroed_or_constant.bad
def half_zero() -> Subject:
    return _program(kept=16)


@inputs_zeroed_or_constant.good
def as_they_are() -> Subject:
    return _program(kept=32)


@inputs_zeroed_or_constant.good
def empty_inputs_of_one_class() -> Subject:
    return _program(kept=24, same_label=True)
