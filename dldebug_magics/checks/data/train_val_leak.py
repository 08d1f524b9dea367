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

_SHARE = 0.02


@check(severity=Severity.ERROR)
def train_val_leak(audit: DataAudit) -> Iterator[Evidence]:
    """Samples of the validation set stand in the training set, too.

    What was learnt by heart looks like skill there. It often comes from copies made before the split: oversampling, overlapping windows.

    Shows as: validation as good as training, and a test or a user's data much worse.
    Proven by: the inputs of single samples, which are the same number for number in both sets.
    Not this when: inputs repeat of themselves, as rows of a few categories do: then they repeat within the training set, too.
    Fails: copies that were changed a little are not found; with large sets only a part of both is read, and the count is a lower bound.
    See: FSDL, "dataset construction"; Kapoor and Narayanan 2023, "Leakage and the reproducibility crisis in machine learning".
    """
    train = audit.split("train")
    for found in audit.shared:
        share = found.count / max(1, found.samples)
        if train is None or found.count < 5 or share < _SHARE:
            continue
        expected = train.repeated / max(1, train.samples) if train.repeatable else 0.0
        if share > 5 * expected:
            part = train.total is not None and train.total > train.samples
            pairs = "; ".join(f"{there} is {here} of train" for here, there in found.pairs)
            yield Evidence(
                Confidence.PROVEN,
                facts=(
                    Fact(f"samples of {found.there} that stand in train", f"{found.count} of {found.samples}{' at least' * part}", "0"),
                    Fact("of these with the same label", f"{found.with_label}"),
                    Fact("samples of train equal to another of train", f"{train.repeated} of {train.samples}"),
                    Fact("the first of them, by number", pairs),
                ),
                where=found.there,
                fix=Fix("Split first, and by what belongs together; copy, augment and cut windows afterwards.", _code(found.there)),
                always=True,
                refuted_by="Different inputs at the numbers named.",
            )


def _code(role: str) -> str:
    return f"{role} = [pair for pair in {role} if pair[0].numpy().tobytes() not in {{x.numpy().tobytes() for x, _ in train}}]"


def _program(first: int) -> Subject:
    points, labels = groups(400)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
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
    rows, net = torch.randint(0, 2, (400, 5), generator=torch.Generator().manual_seed(0)).float(), nn.Linear(5, 2)
    train, val = (TensorDataset(part, part[:, 0].long()) for part in rows.split(300))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), train, val=val)
