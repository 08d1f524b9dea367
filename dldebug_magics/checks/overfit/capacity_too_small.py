from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.capacity import widened
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.capacity import CapacityCard
from ...observations.overfit_batch import OverfitBatch
from ...observations.overfit_batch.curve import Shape
from ..small_data import values


@check(severity=Severity.ERROR, hyperparameter=True)
def capacity_too_small(capacity: CapacityCard, run: OverfitBatch) -> Iterator[Evidence]:
    """The model is too small to hold even one batch.

    A hidden layer of a few units lets a few numbers through, and no training brings more through it.

    Shows as: a smooth plateau above the floor, with steps of ordinary size.
    Proven by: a copy with four times the units in every hidden layer, which memorises the batch; all other suspects come first.
    Not this when: equal inputs have different labels, which no model can tell apart (the floor counts them); an autoencoder is narrow
    on purpose.
    Fails: a model that writes its widths down in more places than its layers can't be widened, and nothing is said.
    See: FSDL, "improve": under-fitting, "make the model bigger"; A. Karpathy's recipe, "overfit".
    """
    small = capacity.parameters <= _EACH * capacity.asked or capacity.narrowest <= _NARROW
    if capacity.wider is None or not small or run.shape not in (Shape.PLATEAUS, Shape.FALLING) or run.relative_update < _LIVELY:
        return
    yield Evidence(
        Confidence.HINT,
        facts=(
            Fact("parameters", f"{capacity.parameters}", f"many for {capacity.asked} target numbers"),
            Fact("width of the narrowest hidden layer", f"{capacity.narrowest}", f"{capacity.times * capacity.narrowest} would do"),
        ),
        fix=Fix(
            "Give the hidden layers more units.",
            f"width = {capacity.times * capacity.narrowest}   # {capacity.narrowest} before",
            f"{capacity.times} times the units in every hidden layer",
        ),
        cure=widened,
        refuted_by="A wider copy that stops at the same loss.",
    )


_EACH = 10  # parameters for each number to remember
_NARROW = 8
_LIVELY = 1e-3  # relative update: with smaller steps it is a matter of the rate


def _program(width: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, width), nn.Tanh(), nn.Linear(width, 1))
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=1e-2), values())


@capacity_too_small.bad
def one_unit() -> Subject:
    return _program(width=1)


@capacity_too_small.good
def many_units() -> Subject:
    return _program(width=64)
