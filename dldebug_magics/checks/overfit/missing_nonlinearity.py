from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.structure import rectified_between
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.linearity import LinearityCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import values


@check(severity=Severity.ERROR)
def missing_nonlinearity(linearity: LinearityCard, run: OverfitBatch) -> Iterator[Evidence]:
    """Linear layers follow each other with nothing between them that bends, so that the whole model is one linear map.

    The product of two matrices is a matrix: without an activation, ten layers can do what one can.

    Shows as: a plateau at what linear (or logistic) regression reaches; on a curve or an XOR that is chance.
    Proven by: f((a + b) / 2) equals (f(a) + f(b)) / 2, to rounding, for inputs twice as wide as the batch; and a copy with ReLUs between
    the layers, which memorises the batch.
    Not this when: a linear model is meant: one layer (a probe, a regression), or a narrow layer between two wide ones (a map of low rank).
    Fails: few samples in many dimensions can be told apart by a line: then it is a warning, not proven. Inputs of whole numbers are not
    looked at.
    See: Goodfellow et al., "Deep Learning", 6.1, learning XOR; K. Hornik 1991.
    """
    if linearity.bend > _STRAIGHT or (run.passed and linearity.narrow):
        return
    yield Evidence(
        Confidence.LIKELY,
        facts=(
            Fact("distance of the model from a straight line, in deviations of its outputs", f"{linearity.bend:.0e}", "above 0.01"),
            Fact("layers that take another layer's output as it is", f"{linearity.chained}", "an activation between"),
        ),
        where=where(linearity.module, linearity.users_line),
        fix=Fix("Put an activation between the layers.", "x = torch.relu(x)   # in front of this layer", "ReLUs between the layers"),
        cure=rectified_between,
        always=run.passed,
        severity=Severity.WARNING if run.passed else None,
        refuted_by="Two inputs whose middle does not give the middle of their outputs.",
    )


_STRAIGHT = 1e-4


def _program(*bend: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 64), *bend, nn.Linear(64, 1))
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=1e-2), values())


@missing_nonlinearity.bad
def nothing_between() -> Subject:
    return _program()


@missing_nonlinearity.bad
def dropout_between() -> Subject:
    return _program(nn.Dropout(0.01), nn.BatchNorm1d(64))


@missing_nonlinearity.good
def a_relu_between() -> Subject:
    return _program(nn.ReLU())


@missing_nonlinearity.good
def a_map_of_low_rank() -> Subject:
    torch.manual_seed(0)
    net, points = nn.Sequential(nn.Linear(8, 2), nn.Linear(2, 8)), values()[0]
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=3e-2), (points, points[:, :2] @ torch.ones(2, 8)))
