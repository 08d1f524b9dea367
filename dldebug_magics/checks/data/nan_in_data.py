from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.data_audit import DataAudit
from ...observations.data_audit.facts import Scale, Split
from ..small_data import groups


@check(severity=Severity.ERROR)
def nan_in_data(audit: DataAudit) -> Iterator[Evidence]:
    """Some samples hold values that are no numbers.

    One NaN among the inputs or targets makes loss and gradients NaN, and after the next step every weight. It comes when its batch comes,
    perhaps in the middle of an epoch.

    Shows as: a loss that is NaN from some step on, and not before.
    Proven by: reading the data: the samples are named, and the loss of their batch is no number either.
    Not this when: the program masks such values: the loss of their batch is finite. Minus infinity in an attention mask is right.
    Fails: only the samples that were read are known; ask for more with --samples.
    See: FSDL, "the five most common bugs", numerical instability; pandas, "working with missing data".
    """
    if audit.loss_on_broken is None or math.isfinite(audit.loss_on_broken):
        return
    for split in audit.splits:
        for part, scales in (("inputs", split.inputs), ("targets", split.targets)):
            yield from (_evidence(split, part, scale) for scale in scales if scale.not_finite)


def _evidence(split: Split, part: str, scale: Scale) -> Evidence:
    numbers, columns = ", ".join(map(str, scale.broken[:5])), ", ".join(map(str, scale.columns[:5]))
    more = ", ..." if len(scale.broken) > 5 else ""
    return Evidence(
        Confidence.PROVEN,
        facts=(
            Fact(f"samples of {split.role} with values that are not finite", f"{len(scale.broken)} of {split.samples}", "0"),
            Fact(
                f"their numbers, and the {part}' columns", f"{numbers}{more}; column {columns}{', ...' if len(scale.columns) > 5 else ''}"
            ),
            Fact("loss of their batch", "not a number", "finite"),
        ),
        where=f"{part} of {split.role}",
        fix=Fix(
            "Drop these samples, or fill the gaps with a value of the training set (and tell the model which were filled).",
            "keep = x.isfinite().flatten(1).all(1)   # samples without a gap",
        ),
        always=True,
        refuted_by="A finite loss on the batch that holds these samples.",
    )


def _program(gap: float, loss: nn.Module | None = None) -> Subject:
    points, labels = groups(200)
    points[77, 3] = gap
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    loader = DataLoader(TensorDataset(points, labels), batch_size=20)
    return Subject(net, loss or nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@nan_in_data.bad
def one_gap() -> Subject:
    return _program(math.nan)


@nan_in_data.good
def gap_filled() -> Subject:
    return _program(0.0)
