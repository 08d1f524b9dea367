from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.data_audit import DataAudit
from ...observations.data_audit.facts import Scale, Split
from ..small_data import heights


@check(severity=Severity.WARNING)
def outlier_samples(audit: DataAudit) -> Iterator[Evidence]:
    """A few samples are so much larger than all others that they decide the steps they are in.

    A decimal point that moved, a value that stands for "unknown" (9999), a picture left at 0 to 255 among those of 0 to 1: one such sample
    outweighs the gradient of its batch, and a squared error squares it.

    Shows as: spikes of the loss, always at the same batches.
    Proven by: the sizes of the samples, counted: ten times the largest of all others, and 50 deviations from the middle.
    Not this when: the sample moves the gradient of a batch by less than ten times its size, as behind a loss or an activation with limits:
    then it is a note. And where sizes run through from small to large, as incomes and counts do, and leave no gap.
    Fails: a sample that is odd without being large is not seen here.
    See: FSDL, "dataset construction"; A. Karpathy's recipe, "become one with the data".
    """
    for split in audit.splits:
        for part, scales in (("inputs", split.inputs), ("targets", split.targets)):
            pull = audit.pull if split.role == "train" else None
            yield from (_evidence(split, part, scale, pull) for scale in scales if scale.far and "float" in scale.dtype)


def _evidence(split: Split, part: str, scale: Scale, pull: float | None) -> Evidence:
    numbers = ", ".join(str(number) for number, _, _ in scale.far[:5])
    (_, size, rest), moved = scale.far[0], "not known" if pull is None else f"by {pull:.2g} times its size"
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact(f"samples of {split.role} far beyond the rest", f"{len(scale.far)} of {split.samples}: numbers {numbers}", "none"),
            Fact(f"root mean square of the largest, in its {part}", f"{size:.3g}", f"at most {rest:.3g}, as all others"),
            Fact("how far one of them moves the gradient of a batch", moved, "less than its size"),
        ),
        where=f"{part} of {split.role}",
        fix=Fix("Look at these samples; mend or drop those that are wrong.", f"dataset[{scale.far[0][0]}]   # look at it first"),
        always=True,
        severity=Severity.NOTE if pull is not None and pull < _GENTLE else None,
        refuted_by="A look at these samples that finds them right.",
    )


_GENTLE = 10.0  # times the gradient of the batch without it


def _program(largest: float) -> Subject:
    points, targets = heights(200)
    targets[55] *= largest / targets[55].abs()
    net, loader = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1)), DataLoader(TensorDataset(points, targets), batch_size=20)
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@outlier_samples.bad
def unknown_written_as_a_number() -> Subject:
    return _program(9999.0)


@outlier_samples.good
def in_the_range_of_the_rest() -> Subject:
    return _program(1.0)


@outlier_samples.good
def sizes_that_run_through() -> Subject:
    points, targets = heights(200)
    net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    return Subject(net, nn.L1Loss(), torch.optim.Adam(net.parameters(), lr=1e-2), DataLoader(TensorDataset(points.exp(), targets.exp())))
