from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import nn

from ...cures.into_loss import given
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.inputs import InputCard
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard
from ..small_data import classes


@check(severity=Severity.ERROR)
def ignore_index_swallows(targets: TargetCard, inputs: InputCard, setup: SetUp) -> Iterator[Evidence]:
    """The loss leaves out labels that should count.

    A label equal to `ignore_index` (-100 if nothing is said) adds nothing to the loss, and its sample teaches nothing. Where it is the
    number of a real class, that class is never learnt; where it is every label, the mean over none of them is 0/0.

    Shows as: a loss of nan at the first step; a class that is never predicted.
    Proven by: counting the labels that the loss leaves out, and a copy that leaves out none.
    Not this when: padding is left out of sequences and borders out of pictures; unlabelled samples carry a number that is no class.
    Fails: a class that does not come up in this batch.
    See: torch.nn.CrossEntropyLoss, `ignore_index`.
    """
    everything = targets.takes_labels and targets.ignored == 1
    one_each = targets.takes_labels and targets.target.shape == (targets.samples,) and bool(inputs.scales)
    if everything or (one_each and targets.ignored > 0 and 0 <= targets.ignore_index < targets.classes):
        yield _evidence(targets, setup.names["loss_fn"])


def _evidence(targets: TargetCard, loss: str) -> Evidence:
    index, value = targets.ignore_index, targets.value
    counted = Fix("Leave out no class.", f"{loss} = torch.nn.CrossEntropyLoss()   # no ignore_index={index}", "no label left out")
    return Evidence(
        Confidence.PROVEN,
        facts=(
            Fact(f"labels equal to ignore_index, {index}", f"{targets.ignored:.0%}", "0%, or padding only"),
            Fact("loss at the start", "none" if value is None else f"{value:.3g}", "a number of all samples"),
        ),
        where=targets.loss_line.place,
        fix=counted if index >= 0 else Fix("Find out why no label counts.", f"assert (labels != {index}).any()"),
        cure=given(targets.loss, lambda output, labels: (output, labels), ignore_index=-100) if index >= 0 else None,
        always=True,
        refuted_by="A gradient from the samples with this label.",
    )


def _program(loss: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@ignore_index_swallows.bad
def leaves_out_a_class() -> Subject:
    return _program(nn.CrossEntropyLoss(ignore_index=0))


@ignore_index_swallows.bad
def leaves_out_everything() -> Subject:
    return dataclasses.replace(_program(nn.CrossEntropyLoss()), train=(classes()[0], torch.full((32,), -100)))


@ignore_index_swallows.good
def leaves_out_nothing() -> Subject:
    return _program(nn.CrossEntropyLoss())


@ignore_index_swallows.good
def leaves_out_unlabelled_samples() -> Subject:
    points, labels = classes()
    labels[::2] = -100
    return dataclasses.replace(_program(nn.CrossEntropyLoss()), train=(points, labels))
