from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import TensorDataset

from ...cures.into_loss import given
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.inputs import InputCard
from ...observations.cards.left_out import LeftOutCard
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard
from ..small_data import classes


@check(severity=Severity.ERROR)
def ignore_index_swallows(targets: TargetCard, inputs: InputCard, setup: SetUp, left_out: LeftOutCard) -> Iterator[Evidence]:
    """The loss leaves out labels that should count.

    A label equal to `ignore_index` (-100 if nothing is said) adds nothing to the loss, and its sample teaches nothing. Where it is the
    number of a real class, that class is never learnt; where it is every label, the mean over none of them is 0/0.

    Shows as: a loss of nan at the first step; a class that is never predicted.
    Proven by: counting the labels that the loss leaves out, in training and validation, and a copy that leaves out none.
    Not this when: padding is left out of sequences and borders out of pictures; unlabelled samples carry a number that is no class.
    Fails: a class that comes up neither in this batch nor in validation.
    See: torch.nn.CrossEntropyLoss, `ignore_index`.
    """
    one_each = targets.takes_labels and targets.target.shape == (targets.samples,) and bool(inputs.scales)
    own = one_each and targets.ignored > 0 and 0 <= targets.ignore_index < targets.classes
    seen = Fact(f"labels equal to ignore_index, {targets.ignore_index}", f"{targets.ignored:.0%}", "0%, or padding only")
    if own or (targets.takes_labels and targets.ignored == 1):
        yield _evidence(targets, setup, Confidence.PROVEN, seen)
    elif left_out.never_taught:
        yield _evidence(targets, setup, Confidence.PROVEN, seen, Fact("classes only validation has", str(left_out.missing[:6]), "none"))
    elif one_each and left_out.hardly_any:
        yield _evidence(targets, setup, Confidence.LIKELY, seen, Fact("left out of all training", f"{left_out.train:.0%}", "0%"))


def _evidence(targets: TargetCard, setup: SetUp, sure: Confidence, *facts: Fact) -> Evidence:
    loss, index = setup.names["loss_fn"], targets.ignore_index
    own = Fix("Leave out no class.", f"{loss} = torch.nn.CrossEntropyLoss()   # without ignore_index={index}", "no label left out")
    lost = Fix("Find out why these labels say that there is none.", f"assert (labels != {index}).all()")
    cure = given(targets.loss, lambda output, labels: (output, labels), ignore_index=-100) if index >= 0 else None
    return Evidence(sure, facts, targets.loss_line.place, own if index >= 0 else lost, cure, always=True)


def _program(loss: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@ignore_index_swallows.bad
def leaves_out_a_class() -> Subject:
    return _program(nn.CrossEntropyLoss(ignore_index=0))


@ignore_index_swallows.bad
def never_teaches_low_classes() -> Subject:
    subject, (points, labels) = _program(nn.CrossEntropyLoss()), classes()
    known = TensorDataset(points.repeat(9, 1), labels.masked_fill(labels < 5, -100).repeat(9))
    return dataclasses.replace(subject, train=known, val=(points, labels))


@ignore_index_swallows.good
def leaves_out_nothing() -> Subject:
    return _program(nn.CrossEntropyLoss())


@ignore_index_swallows.good
def leaves_out_unlabelled_samples() -> Subject:
    subject, (points, labels) = _program(nn.CrossEntropyLoss()), classes()
    labels[::2] = -100
    return dataclasses.replace(subject, train=(points, labels))
