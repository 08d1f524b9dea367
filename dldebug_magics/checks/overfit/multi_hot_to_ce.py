from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import nn

from ...cures.into_loss import as_yes_or_no, whole_loss_as_yes_or_no
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.inputs import InputCard
from ...observations.cards.meeting import is_one
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard
from ..small_data import flags


@check(severity=Severity.WARNING)
def multi_hot_to_ce(targets: TargetCard, inputs: InputCard, setup: SetUp) -> Iterator[Evidence]:
    """Several labels of a sample are 1 at once, and cross entropy makes them share one probability.

    `CrossEntropyLoss` reads a real-valued target as the shares of exclusive classes, which sum to 1. Of k labels that are all true none can
    get more than 1/k, a sample without any counts for nothing, and the loss ends at the mean of k log k.

    Shows as: a loss that stops above 0, and scores that cross no fixed threshold.
    Proven by: target rows of 0 and 1 that sum to more than 1; where the loss raises, a copy with BCEWithLogitsLoss that runs.
    Not this when: the rows sum to 1, as one-hot labels, soft labels and mixup do; the counts of a vocabulary are modelled on purpose.
    Fails: labels that happen not to overlap in this batch.
    See: torch.nn.CrossEntropyLoss, "probabilities for each class"; torch.nn.BCEWithLogitsLoss, multi-label classification.
    """
    target = targets.target
    hot = targets.shares_one_softmax and target.shape == targets.output.shape and target.binary and targets.classes > 1
    own_input = any(scale.binary and scale.shape == target.shape for scale in inputs.scales)
    if hot and len(target.shape) > 1 and target.class_sums[1] > 1.5 and not is_one(target.last_sums) and not own_input:
        yield Evidence(
            Confidence.LIKELY,
            facts=(Fact("sum of a target row", f"{target.class_sums[0]:.0f} to {target.class_sums[1]:.0f}", "1"),),
            where=targets.loss_line.place,
            fix=Fix(
                "Ask yes or no of each label by itself.",
                f"{setup.names['loss_fn']} = torch.nn.BCEWithLogitsLoss()   # with target.float()",
                "BCEWithLogitsLoss",
            ),
            cure=whole_loss_as_yes_or_no if targets.by_hand else as_yes_or_no("cross_entropy"),
            always=True,
            refuted_by="Target rows that sum to 1.",
        )


def _program(loss: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 4))
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), flags())


@multi_hot_to_ce.bad
def several_labels_share_one_softmax() -> Subject:
    return _program(nn.CrossEntropyLoss())


@multi_hot_to_ce.good
def yes_or_no_of_each_label() -> Subject:
    return _program(nn.BCEWithLogitsLoss())


@multi_hot_to_ce.good
def mixed_up_labels() -> Subject:
    points, labels = flags()
    hot = nn.functional.one_hot(labels.argmax(1), 4).float()
    return dataclasses.replace(_program(nn.CrossEntropyLoss()), train=(points, 0.7 * hot + 0.3 * hot.roll(1, 0)))
