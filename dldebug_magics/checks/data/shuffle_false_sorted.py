from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import loaded
from ...observations.cards.set_up import SetUp
from ...observations.data_audit import DataAudit
from ...observations.data_audit.facts import Split
from ..small_data import groups

_MOST_CLASSES = 50
_BATCHES = 4


@check(severity=Severity.WARNING)
def shuffle_false_sorted(audit: DataAudit, setup: SetUp) -> Iterator[Evidence]:
    """The training set is sorted by its labels and not shuffled: a batch holds one class, or values of one size.

    Each step then pulls towards the class of the moment, and undoes what was learnt of the one before; batch norm sees one class at a time.

    Shows as: a loss that saws: low at the end of each class, high at the start of the next.
    Proven by: the order itself, counted: runs of one label are as long as batches, or no target is below the one before. That
    it does harm here is not proven.
    Not this when: the data were mixed before; targets are sequences; inputs are sorted, too, as times are; one batch holds the whole set.
    Fails: a sampler of your own is taken to know what it does.
    See: FSDL, "dataset construction"; torch.utils.data.DataLoader, `shuffle`.
    """
    train = audit.split("train")
    if train is None or not train.batch_size or not train.batches or train.batches < _BATCHES:
        return
    few = 2 <= len(train.counts) <= _MOST_CLASSES and train.counts[1][1] >= 10
    if few and train.run and train.chance_run and train.run >= max(train.batch_size, 8) and train.run > 5 * train.chance_run:
        order = Fact("samples until the label changes, on average", f"{train.run:.0f}", f"{train.chance_run:.1f} in a mixed order")
        yield _evidence(setup, train, order, Fact("samples in a batch", f"{train.batch_size}", "more than a run"))
    if train.sorted_values and train.samples >= 50:
        yield _evidence(setup, train, Fact("order of the targets", "none is below the one before, or none above", "mixed"))


def _evidence(setup: SetUp, train: Split, *facts: Fact) -> Evidence:
    code = f"{setup.names['train']} = DataLoader(dataset, batch_size={train.batch_size}, shuffle=True)"
    return Evidence(
        Confidence.PROVEN,
        facts=facts,
        where="train",
        fix=Fix("Let the loader shuffle.", code, edits=loaded(setup.names["train"], "shuffle", "True")),
        always=True,
        refuted_by="Batches of this loader that hold several classes, or values from the whole range.",
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
