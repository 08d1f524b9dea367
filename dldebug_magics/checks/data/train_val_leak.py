from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.data_audit import DataAudit
from ...observations.data_audit.facts import Split
from ...observations.data_audit.overlap import Shared
from ..small_data import groups

_SHARE = 0.02
_CODE = "known = {x.numpy().tobytes() for x, _ in train_set}   # and leave these out of the other sets"


@check(severity=Severity.ERROR)
def train_val_leak(audit: DataAudit) -> Iterator[Evidence]:
    """Samples of the validation set stand in the training set, too.

    What was learnt by heart looks like skill there. It often comes from copies made before the split: oversampling, overlapping windows.

    Shows as: validation as good as training, and a test or a user's data much worse.
    Proven by: the inputs of single samples, which are the same number for number in both sets.
    Not this when: inputs repeat of themselves, as rows of a few categories do: then they repeat within the training set, too.
    Fails: copies that were changed a little are not found; with large sets only a part of both is read, and the count is a lower bound.
    See: FSDL, "dataset construction"; Kapoor and Narayanan 2023, "Leakage and the reproducibility crisis".
    """
    train = audit.split("train")
    for found in audit.shared:
        assert train is not None, "what is shared is shared with it"
        by_chance = train.repeated / max(1, train.samples) if train.repeatable else 0.0
        if found.count >= 5 and found.count > max(_SHARE, 5 * by_chance) * found.samples:
            yield _evidence(found, train)


def _evidence(found: Shared, train: Split) -> Evidence:
    least = "at least " if train.total is not None and train.total > train.samples else ""
    seen = f"{least}{found.count} of {found.samples}; {found.with_label} with the same label"
    return Evidence(
        Confidence.PROVEN,
        facts=(
            Fact(f"samples of {found.there} that stand in train", seen, "0"),
            Fact("samples of train equal to another of train", f"{train.repeated} of {train.samples}"),
            Fact("the first of them, by number", "; ".join(f"{there} is {here} of train" for here, there in found.pairs)),
        ),
        where=found.there,
        fix=Fix("Split first, by what belongs together; copy, augment and cut windows afterwards.", _CODE),
        always=True,
        refuted_by="Different inputs at the numbers named.",
    )


def _program(first: int) -> Subject:
    points, labels = groups(400)
    net = nn.Linear(16, 4)
    train = DataLoader(TensorDataset(points[:300], labels[:300]), batch_size=20, shuffle=True)
    val = DataLoader(TensorDataset(points[first:], labels[first:]), batch_size=20)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), train, val=val)


@train_val_leak.bad
def splits_overlap() -> Subject:
    return _program(first=250)


@train_val_leak.good
def splits_apart() -> Subject:
    return _program(first=300)


@train_val_leak.good
def rows_of_few_categories() -> Subject:
    net, rows = nn.Linear(5, 2), torch.randint(0, 2, (400, 5), generator=torch.Generator().manual_seed(0)).float()
    train, val = (TensorDataset(part, part[:, 0].long()) for part in rows.split(300))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), train, val=val)
