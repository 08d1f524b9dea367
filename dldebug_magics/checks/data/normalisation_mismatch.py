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
from ..small_data import groups

_FACTOR = 10.0


@check(severity=Severity.ERROR)
def normalisation_mismatch(audit: DataAudit) -> Iterator[Evidence]:
    """Training and validation inputs are on different scales.

    One of them was normalised and the other was not, or by a factor of its own: pixels of 0 to 1 here, of 0 to 255 there. What the model
    learnt on one scale it cannot use on the other.

    Shows as: training as it should be, and validation at chance.
    Proven by: mean and deviation of both, counted: they differ by more than a factor of ten.
    Not this when: both scales are alike within such a factor, as different cameras or years are; ids, which have no scale.
    Fails: a smaller difference (the mean left out, one channel's deviation for another's) is not told from a real shift.
    See: FSDL, "incorrect pre-processing"; torchvision.transforms.Normalize.
    """
    train = audit.split("train")
    for split in audit.splits:
        if train is not None and split.role in ("val", "test"):
            for here, there in zip(train.inputs, split.inputs, strict=False):
                if here.shape == there.shape and split.samples >= 20 and _differ(here, there):
                    yield _evidence(split, here, there)


def _differ(here: Scale, there: Scale) -> bool:
    """Whether no constant and no outlier is behind it: both vary, and the wider range is wider on the whole."""
    if "float" not in here.dtype + there.dtype or min(here.std, there.std) == 0 or here.far or there.far:
        return False
    spread, reach = here.std / there.std, (here.maximum - here.minimum) / (there.maximum - there.minimum)
    wider = min(spread, reach) > _FACTOR or max(spread, reach) < 1 / _FACTOR
    return wider or abs(here.mean - there.mean) > _FACTOR * max(here.std, there.std)


def _evidence(split: Split, here: Scale, there: Scale) -> Evidence:
    told = {role: f"{s.mean:.3g} and {s.std:.3g}; {s.minimum:.3g} to {s.maximum:.3g}" for role, s in (("train", here), (split.role, there))}
    return Evidence(
        Confidence.PROVEN,
        facts=tuple(Fact(f"mean and deviation, and range, in {role}", seen, "alike") for role, seen in told.items()),
        where=split.role,
        fix=Fix(
            "Give every split the same transform, with the training set's mean and deviation.",
            f"{split.role} = Dataset(..., transform=transform)   # the one that train has",
        ),
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
