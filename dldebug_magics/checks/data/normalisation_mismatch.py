from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.data_audit import DataAudit
from ...observations.data_audit.facts import Scale
from ..small_data import groups

_FACTOR = 10.0


@check(severity=Severity.ERROR)
def normalisation_mismatch(audit: DataAudit) -> Iterator[Evidence]:
    """Training and validation inputs are on different scales.

    One was normalised and the other was not, or by a factor of its own. What was learnt on one scale is no use on the other.

    Shows as: training as it should be, and validation at chance.
    Proven by: mean and deviation of both, counted: they differ by more than a factor of ten. One factor above 2.5 that all columns
    have in common makes it likely.
    Not this when: both scales are alike within such a factor, as different cameras or years are; ids, which have no scale.
    Fails: a smaller difference (one channel's deviation for another's) is not told from a real shift.
    See: FSDL, "incorrect pre-processing"; torchvision.transforms.Normalize.
    """
    train = audit.split("train")
    for split in audit.splits:
        if train is not None and split.role in ("val", "test"):
            for here, there in zip(train.inputs, split.inputs, strict=False):
                if split.samples >= 20 and _differ(here, there):
                    yield _evidence(Confidence.PROVEN, split.role, _told(train.role, here), _told(split.role, there))
    for found in audit.rescaled:
        seen = f"{found.factor:.3g} times those of train, plus {found.offset:.3g}, in {found.columns} columns"
        yield _evidence(Confidence.LIKELY, found.role, Fact(f"inputs of {found.role}", seen, "alike"))


def _differ(here: Scale, there: Scale) -> bool:
    """Whether no constant and no outlier is behind it: both vary, and the wider range is wider on the whole."""
    if here.shape != there.shape or "float" not in here.dtype + there.dtype or min(here.std, there.std) == 0 or here.far or there.far:
        return False
    spread, reach = here.std / there.std, (here.maximum - here.minimum) / (there.maximum - there.minimum)
    wider = min(spread, reach) > _FACTOR or max(spread, reach) < 1 / _FACTOR
    return wider or abs(here.mean - there.mean) > _FACTOR * max(here.std, there.std)


def _told(role: str, scale: Scale) -> Fact:
    return Fact(f"mean, deviation, ends in {role}", f"{scale.mean:.3g}, {scale.std:.3g}, {scale.minimum:.3g} to {scale.maximum:.3g}")


def _evidence(sure: Confidence, role: str, *facts: Fact) -> Evidence:
    return Evidence(
        sure,
        facts=facts,
        where=role,
        fix=Fix("Give every split the transform that train has.", f"{role} = Dataset(..., transform=transform)"),
        always=True,
        refuted_by="A reading of both sets on one scale.",
    )


def _program(scale: float) -> Subject:
    net, (points, labels) = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4)), groups(100, seed=5)
    loaders = [DataLoader(TensorDataset(*pairs), batch_size=20, shuffle=True) for pairs in (groups(200), (scale * points, labels))]
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loaders[0], val=loaders[1])


@normalisation_mismatch.bad
def in_other_units() -> Subject:
    return _program(255.0)


@normalisation_mismatch.good
def in_the_same_units() -> Subject:
    return _program(1.0)
