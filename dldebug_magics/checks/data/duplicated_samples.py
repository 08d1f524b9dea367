from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.data_audit import DataAudit
from ..small_data import groups

_SHARE = 0.1
_HALF = 0.45


@check(severity=Severity.WARNING)
def duplicated_samples(audit: DataAudit) -> Iterator[Evidence]:
    """Many samples of the training set stand there more than once.

    Each copy weighs like a sample of its own, and the set is smaller than it looks. Copies must be made after the split, never before.

    Shows as: less gain from training longer or from a larger model than the number of samples promises.
    Proven by: the inputs of single samples, which are the same number for number.
    Not this when: few inputs are possible at all, as in rows of categories: repetition is natural there.
    Fails: copies made on purpose look the same. It is a note, not an alarm, where less than about half are copies, where one class has
    few of them (so that a rare one weighs more), or where a wrapper repeats one dataset.
    See: FSDL, "dataset construction"; Lee and others 2022, "Deduplicating training data makes language models better".
    """
    train = audit.split("train")
    if train is None or train.repeatable or train.repeated < max(5, _SHARE * train.samples):
        return
    yield Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("samples of train equal to an earlier one", f"{train.repeated} of {train.samples}", "few"),
            Fact("samples whose equals bear another label", str(train.disagreeing), "0"),
        ),
        where="train",
        fix=Fix("Keep one of each, if the copies are not on purpose.", "x = x.unique(dim=0)   # and the labels with it"),
        always=True,
        refuted_by="Different inputs in these samples.",
        severity=Severity.WARNING if train.rarely >= _HALF and train.disagreeing < train.repeated / 2 else Severity.NOTE,
    )


def _program(copies: int) -> Subject:
    points, labels = groups(100)
    order = torch.arange(200) % (200 // copies) if copies > 1 else torch.arange(100)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    loader = DataLoader(TensorDataset(points[order], labels[order]), batch_size=20, shuffle=True)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@duplicated_samples.bad
def everything_twice() -> Subject:
    return _program(copies=2)


@duplicated_samples.good
def everything_once() -> Subject:
    return _program(copies=1)
