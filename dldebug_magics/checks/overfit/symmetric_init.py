from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.initialisation import anew
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...observations.cards.set_up import SetUp
from ...observations.cards.units import Alike, UnitCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import values


@check(severity=Severity.ERROR)
def symmetric_init(units: UnitCard, run: OverfitBatch, setup: SetUp) -> Iterator[Evidence]:
    """All units of a layer begin with the same weights, and stay one unit written down many times.

    Equal units get equal gradients, so that no step can part them: a layer of 64 has the power of one. With all weights at zero nothing
    but the last bias learns. It takes random numbers to break the symmetry.

    Shows as: a plateau at the entropy of the labels (all zero), or at what one hidden unit can do (all equal).
    Proven by: units that are equal before and after some training steps; and a copy with these weights begun anew.
    Not this when: a bias, a last layer or a scale begins at zero, where different gradients part the units with the first step.
    Fails: where dropout or noise parts equal units slowly, they are not equal any more when it is looked.
    See: Goodfellow et al., "Deep Learning", 8.4: initial parameters need to "break symmetry"; CS231n, "pitfall: all zero initialization".
    """
    stuck = [row for row in units.alike if row.stayed]
    constant = sum(row.constant is not None for row in stuck) > 1  # one layer alone is parted by the next
    if not stuck or (run.passed and not constant):
        return
    weight = module_expression(setup.names["model"], stuck[0].name)
    yield Evidence(
        Confidence.PROVEN,
        facts=(Fact("weights whose units are equal, and stay so when trained", ", ".join(_told(row) for row in stuck[:4]), "none"),),
        where=stuck[0].name,
        fix=Fix(
            "Begin these weights with random numbers; zeros are for biases.",
            f"torch.nn.init.kaiming_uniform_({weight}, a=5 ** 0.5)",
            "these weights begun at random",
        ),
        cure=anew([row.name for row in stuck]),
        always=constant,
        refuted_by="Two rows of that weight that differ after a few steps.",
    )


def _told(row: Alike) -> str:
    return f"{row.name} ({row.units} units{'' if row.constant is None else f', all {row.constant:g}'})"


def _program(first: float | None, last: float | None) -> Subject:
    torch.manual_seed(0)
    one, two = nn.Linear(8, 64), nn.Linear(64, 1)
    net = nn.Sequential(one, nn.Tanh(), two)
    for layer, value in ((one, first), (two, last)):
        if value is not None:
            nn.init.constant_(layer.weight, value)
            nn.init.zeros_(layer.bias)
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=1e-2), values())


@symmetric_init.bad
def all_zero() -> Subject:
    return _program(0.0, 0.0)


@symmetric_init.bad
def all_equal() -> Subject:
    return _program(0.1, 0.1)


@symmetric_init.good
def last_layer_at_zero() -> Subject:
    return _program(None, 0.0)
