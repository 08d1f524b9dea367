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
from ..small_data import groups

_SHARE = 0.2


@check(severity=Severity.WARNING)
def drop_last_loses_data(audit: DataAudit, setup: SetUp) -> Iterator[Evidence]:
    """A large part of the data never comes: the loader drops the last, incomplete batch, and does not shuffle.

    With few samples and large batches the batch that is dropped may be a third of the set, and the same third in every epoch.

    Shows as: a training or validation set that behaves as if it were smaller.
    Proven by: the numbers of samples and of batches.
    Not this when: the loader shuffles, so that another rest is left out each time; the rest is a small part.
    Fails: a sampler of your own is taken to know what it does.
    See: torch.utils.data.DataLoader, `drop_last`.
    """
    for split in audit.splits:
        if split.total and split.dropped > _SHARE * split.total:
            edits = loaded(setup.names[split.role], "drop_last", "False") if split.role in setup.names else ()
            code = f"DataLoader(dataset, batch_size={split.batch_size})"
            yield Evidence(
                Confidence.PROVEN,
                facts=(
                    Fact(f"samples of {split.role} that never come", f"{split.dropped} of {split.total}", "0"),
                    Fact("samples in a batch", f"{split.batch_size}, {split.batches} batches"),
                ),
                where=split.role,
                fix=Fix("Keep the last batch, shuffle, or take smaller batches.", code, edits=edits),
                always=True,
                refuted_by="An epoch in which all samples come.",
            )


def _program(drop_last: bool, shuffle: bool = False) -> Subject:
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    loader = DataLoader(TensorDataset(*groups(100)), batch_size=64, drop_last=drop_last, shuffle=shuffle)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@drop_last_loses_data.bad
def a_third_is_dropped() -> Subject:
    return _program(drop_last=True)


@drop_last_loses_data.good
def nothing_is_dropped() -> Subject:
    return _program(drop_last=False)


@drop_last_loses_data.good
def another_rest_each_time() -> Subject:
    return _program(drop_last=True, shuffle=True)
