from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.inputs import standardised
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.inputs import InputCard, Scale
from ...observations.cards.layers import LayerCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def input_not_normalised(inputs: InputCard, layers: LayerCard, run: OverfitBatch) -> Iterator[Evidence]:
    """The inputs are on a scale on which the model cannot learn.

    Pixels of 0 to 255, or a column in thousands: the first layer's outputs and gradients are as large, and no one rate suits all layers.

    Shows as: a first loss far above chance, then explosion, dead units or a plateau.
    Proven by: a copy trained on the same batch, less its mean and divided by its deviation, which memorises it. Likely, where the batch is
    memorised as it is, but that copy needs at most a quarter of the steps, the first loss is four times that of chance, or the first
    activation stands at its limits.
    Not this when: the model learns them as they are: a norm at the entrance, an optimizer that copes, ids, one-hot columns; a lone sample.
    Fails: a wrong scale that does less than that; the gates inside of torch's LSTM and GRU are not seen.
    See: FSDL, "start simple: normalise inputs: subtract the mean and divide by the standard deviation".
    """
    if run.decided or run.crash is not None:
        full = bool(layers.activations) and layers.activations[0].saturated >= _FULL
        felt = run.passed and (full or run.floor.of_chance(run.first) > _ABOVE)
        sound = [scale for scale in inputs.scales if not (scale.binary or scale.shrunk or scale.lone)]
        yield from (_evidence(scale, felt and scale.reach > _FAR, run.first) for scale in sound if _extreme(scale))


_FULL, _ABOVE = 0.8, 4.0  # of the first activation's values at a limit; times the loss of chance, before the first step
_FAR = 30.0  # reach beyond which slow learning is told, too: counts of a few and raw grey values of 0 to 16 are left alone


def _extreme(scale: Scale) -> bool:
    uneven = scale.narrowest > 0 and scale.widest > 10 and scale.widest / scale.narrowest > 100
    return scale.reach > 10 or abs(scale.mean) > 3 * scale.std or uneven


def _evidence(scale: Scale, felt: bool, first: float) -> Evidence:
    code = f"x = (x - {scale.mean:.4g}) / {scale.std:.4g}   # mean and deviation of the training set"
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact("range of the inputs", f"{scale.minimum:.3g} to {scale.maximum:.3g}", "about -3 to 3"),
            Fact("mean and deviation", f"{scale.mean:.3g} and {scale.std:.3g}", "0 and 1"),
            Fact("first loss", f"{first:.3g}", "about that of chance"),
        ),
        fix=Fix("Subtract the training set's mean, divide by its deviation.", code, "inputs of mean 0 and deviation 1", scale.edits),
        cure=standardised,
        always=felt,
        eases=scale.reach > _FAR,
        severity=Severity.WARNING if felt else None,
        refuted_by="A run on standardised inputs that fares no better.",
    )


def _program(scale: float) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    points, labels = classes()
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1), (scale * (points + 2), labels))


@input_not_normalised.bad
def in_hundreds() -> Subject:
    return _program(100.0)


@input_not_normalised.good
def in_units() -> Subject:
    return _program(1.0)
