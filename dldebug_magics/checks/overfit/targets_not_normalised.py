from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.inputs import targets_standardised
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.outputs import OutputCard
from ...observations.cards.target_scale import TargetScale
from ...observations.overfit_batch import OverfitBatch
from ..small_data import values


@check(severity=Severity.ERROR)
def targets_not_normalised(targets: TargetScale, outputs: OutputCard, run: OverfitBatch) -> Iterator[Evidence]:
    """The targets are on a scale that the network's outputs do not reach.

    A new network answers with numbers around 0 and of size 1. Prices in thousands are as many steps away, the squared error and its
    gradient are their square, and no rate suits both the way there and the stay.

    Shows as: a huge loss that creeps, or explodes in the first steps.
    Proven by: a copy trained on the same targets less their mean and divided by their deviation, which memorises them. Likely, where that
    copy needs at most a quarter of the steps, or the targets are 500 times as large as the first outputs.
    Not this when: the targets are classes or counts, lie near 0 with a deviation near 1, or the model scales its outputs up to them.
    Fails: a loss written for positive targets only can't take standardised ones.
    See: FSDL, "start simple", on normalising; TheDeepChecker, "unnormalised data", which covers the targets, too.
    """
    squeezed = outputs.closing is not None and outputs.closing.name not in ("leaky_relu", "elu", "gelu", "silu", "mish")
    if not run.decided or run.crash is not None or outputs.loss not in _REGRESSION or squeezed or (not outputs.loss and targets.counts):
        return
    far = max(abs(targets.mean), targets.std)
    if far > 10 * max(targets.output, 1.0) or abs(targets.mean) > 10 * targets.std or 0 < far < 0.02:
        yield _evidence(targets, out_of_reach=far > _FAR * max(targets.output, 1.0))


_REGRESSION = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "gaussian_nll_loss", "")
_FAR = 500  # times the outputs: a network that scales its outputs itself begins within reach


def _evidence(targets: TargetScale, out_of_reach: bool) -> Evidence:
    code = f"y = (y - {targets.mean:.4g}) / {targets.std:.4g}   # of the training set; undo it on predictions"
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact("mean and deviation of the targets", f"{targets.mean:.3g} and {targets.std:.3g}", "0 and 1"),
            Fact("mean size of the outputs before training", f"{targets.output:.2g}", "that of the targets"),
        ),
        fix=Fix("Standardise the targets, and undo it on the predictions.", code, "targets of mean 0 and deviation 1", targets.edits),
        cure=targets_standardised,
        always=out_of_reach,
        eases=True,
        refuted_by="A run on standardised targets that fares no better.",
    )


def _program(scale: float, offset: float) -> Subject:
    torch.manual_seed(0)
    net, (points, heights) = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1)), values()
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (points, scale * heights + offset))


@targets_not_normalised.bad
def prices_in_thousands() -> Subject:
    return _program(50_000.0, 300_000.0)


@targets_not_normalised.good
def prices_in_their_deviations() -> Subject:
    return _program(1.0, 0.0)


@targets_not_normalised.good
def off_centre_by_little() -> Subject:
    return _program(2.0, 3.0)
