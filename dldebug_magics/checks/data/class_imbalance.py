from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.data_audit import DataAudit
from ...observations.data_audit.facts import Split
from ..small_data import groups

_MOST_CLASSES = 20  # next words and the like are always unequal
_FACTOR = 10  # the most frequent class against the rarest


@check(severity=Severity.NOTE)
def class_imbalance(audit: DataAudit) -> Iterator[Evidence]:
    """Some classes are much rarer than others, and nothing weighs them up.

    A model that never says the rare class is right most of the time. That is no fault of the data, but accuracy hides it.

    Shows as: high accuracy with a recall near zero for the rare classes.
    Proven by: the labels, counted.
    Not this when: the loss has weights or the sampler draws the rare classes more often.
    Fails: whether it does harm is not seen here: look at each class's recall. This is a note, not an alarm.
    See: FSDL, "dataset construction": class imbalance; torch.utils.data.WeightedRandomSampler.
    """
    train = audit.split("train")
    if train is None or not 2 <= len(train.counts) <= _MOST_CLASSES or audit.weighted or train.samples < max(50, 10 * len(train.counts)):
        return
    if train.counts[0][1] >= _FACTOR * train.counts[-1][1]:
        yield _evidence(train)


def _evidence(train: Split) -> Evidence:
    (common, most), (rare, fewest) = train.counts[0], train.counts[-1]
    code = "loss_fn = nn.CrossEntropyLoss(weight=counts.sum() / counts)"
    return Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("samples of the most frequent class", f"{most} of {train.samples} (class {common})"),
            Fact("samples of the rarest class", f"{fewest} (class {rare})", f"at least {most // _FACTOR}"),
            Fact("right, by always saying the first", f"{most / train.samples:.0%}"),
        ),
        where="train",
        fix=Fix("Judge by each class's recall; if the rare ones matter, weigh them up.", code),
        always=True,
        refuted_by="Another count of the labels.",
    )


def _program(weighed: bool) -> Subject:
    points, labels = groups(600)
    keep = ((labels != 3) | (torch.arange(600) % 30 == 0)).nonzero()[:, 0]
    points, labels = points[keep], labels[keep]
    weights = (1 / torch.bincount(labels).float())[labels]
    sampler = WeightedRandomSampler(weights.tolist(), len(labels)) if weighed else None
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    loader = DataLoader(TensorDataset(points, labels), batch_size=20, sampler=sampler, shuffle=sampler is None)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@class_imbalance.bad
def one_class_is_rare() -> Subject:
    return _program(weighed=False)


@class_imbalance.good
def rare_class_drawn_more_often() -> Subject:
    return _program(weighed=True)
