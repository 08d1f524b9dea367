from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.inputs import standardised
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.inputs import InputCard, Scale
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def input_over_normalised(inputs: InputCard, run: OverfitBatch) -> Iterator[Evidence]:
    """The inputs were normalised twice: what is left of them is too small to tell the samples apart.

    `ToTensor` divides by 255, and so does the dataset; then come a mean and a deviation that were meant for 0 to 1. The first layer sees
    nearly the same for every sample, and its weights get hardly any gradient.

    Shows as: a plateau near chance, or a very slow start.
    Proven by: a copy trained on the same batch, less its mean and divided by its deviation, which memorises it. Likely, where the batch is
    memorised as it is, but that copy needs at most a quarter of the steps.
    Not this when: the model learns them as they are; rows of length 1, one-hot columns and sparse counts reach far enough.
    Fails: values squeezed by less, which slow learning down a little.
    See: FSDL, "the five most common bugs": "pre-processing inputs incorrectly: forgetting to normalise, or too much pre-processing".
    """
    if run.decided and run.crash is None:
        yield from (_evidence(scale) for scale in inputs.scales if scale.shrunk)


def _evidence(scale: Scale) -> Evidence:
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact("range of the inputs", f"{scale.minimum:.3g} to {scale.maximum:.3g}", "about -3 to 3"),
            Fact("mean and deviation", f"{scale.mean:.3g} and {scale.std:.3g}", "0 and 1"),
        ),
        fix=Fix(
            "Normalise once: look for a second division by 255, or for a mean and a deviation of another scale.",
            f"x = (x - {scale.mean:.4g}) / {scale.std:.4g}   # or take one of the two normalisations out",
            "inputs of mean 0 and deviation 1",
            scale.edits,
        ),
        cure=standardised,
        eases=True,
        refuted_by="A run on standardised inputs that fares no better.",
    )


def _program(scale: float, offset: float = 0.0) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    points, labels = classes()
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9), (scale * points + offset, labels))


@input_over_normalised.bad
def divided_by_255_twice() -> Subject:
    return _program(1 / 255)


@input_over_normalised.bad
def normalised_after_both() -> Subject:
    return _program(1 / 255, offset=-2.0)


@input_over_normalised.good
def normalised_once() -> Subject:
    return _program(1.0)


@input_over_normalised.good
def narrow_and_learnt_all_the_same() -> Subject:
    subject = _program(1 / 30)
    subject.model.insert(0, nn.BatchNorm1d(20))
    return subject
