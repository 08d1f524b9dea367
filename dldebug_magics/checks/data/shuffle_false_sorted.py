from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.data_audit import DataAudit
from ..small_data import groups

_MOST_CLASSES = 50


@check(severity=Severity.WARNING)
def shuffle_false_sorted(audit: DataAudit, setup: SetUp) -> Iterator[Evidence]:
    """The training set is sorted by class and not shuffled: a batch holds one class.

    Each step then pulls towards the class of the moment, and undoes what was learnt of the one before; batch norm sees one class at a time.

    Shows as: a loss that saws: low at the end of each class, high at the start of the next.
    Proven by: the order itself, counted: runs of one label are as long as batches. That it does harm here is not proven.
    Not this when: the data were mixed before; targets are numbers or sequences, whose order may matter; one batch holds the whole set.
    Fails: a sampler of your own is taken to know what it does.
    See: FSDL, "dataset construction"; torch.utils.data.DataLoader, `shuffle`.
    """
    train = audit.split("train")
    if train is None or train.run is None or train.chance_run is None or not train.batch_size or not train.batches:
        return
    few = 2 <= len(train.counts) <= _MOST_CLASSES and train.counts[1][1] >= 10 and train.batches >= 2 * len(train.counts)
    if few and train.run >= max(train.batch_size, 8) and train.run > 5 * train.chance_run:
        yield Evidence(
            Confidence.PROVEN,
            facts=(
                Fact("samples until the label changes, on average", f"{train.run:.0f}", f"{train.chance_run:.1f} in a mixed order"),
                Fact("samples in a batch", f"{train.batch_size}", "more than a run"),
            ),
            where="train",
            fix=Fix(
                "Let the loader shuffle.", f"{setup.names['train']} = DataLoader(dataset, batch_size={train.batch_size}, shuffle=True)"
            ),
            always=True,
            refuted_by="Batches of this loader that hold several classes.",
        )


def _program(shuffle: bool, mixed: bool = False) -> Subject:
    points, labels = groups(200)
    order = torch.arange(200) if mixed else labels.argsort()
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    loader = DataLoader(TensorDataset(points[order], labels[order]), batch_size=10, shuffle=shuffle)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@shuffle_false_sorted.bad
def sorted_by_class() -> Subject:
    return _program(shuffle=False)


@shuffle_false_sorted.good
def shuffled() -> Subject:
    return _program(shuffle=True)


@shuffle_false_sorted.good
def mixed_before() -> Subject:
    return _program(shuffle=False, mixed=True)
