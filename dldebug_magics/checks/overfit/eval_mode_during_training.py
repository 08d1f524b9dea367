from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.mode import training
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.cards.signal import SignalCard
from ..small_data import classes


@check(severity=Severity.ERROR)
def eval_mode_during_training(setup: SetUp, signal: SignalCard) -> Iterator[Evidence]:
    """The model is in evaluation mode while it is trained.

    Batch norm then uses its stored statistics instead of the batch's, and dropout is off. With statistics that were never collected, the
    activations are on any scale. Often `model.eval()` was called for a validation and `model.train()` never again.

    Shows as: slow or unsteady training that changes after the first validation.
    Proven by: a copy in training mode, which memorises the batch where the model as found does not, or does so
    only after four times as many steps.
    Not this when: single norm layers are frozen for fine-tuning, or the model has no layer that knows modes.
    Fails: a mode that changes within the loop is seen by `%%watch`, not here.
    See: FSDL, "the five most common bugs": "forgot to set up train mode for the net correctly".
    """
    if setup.training or not setup.mode_sensitive or len(setup.in_evaluation) < len(setup.mode_sensitive):
        return
    model = setup.names["model"]
    yield Evidence(
        Confidence.LIKELY,
        facts=(
            Fact(f"`{model}.training`", "False", "True"),
            Fact("layers that behave differently for it", ", ".join(setup.in_evaluation[:4]), "in training mode"),
        ),
        where=setup.in_evaluation[0],
        fix=Fix("Switch to training mode at the head of every epoch.", f"{model}.train()", "the model in training mode"),
        cure=training,
        always=bool(setup.unseeing) and 0 < signal.fading < _FADED,
        eases=bool(setup.unseeing),
        refuted_by="A run in training mode that fares no better.",
    )


_FADED = 1e-3  # of the gradient: so little comes through norms that do not norm


def _program(trains: bool) -> Subject:
    torch.manual_seed(0)
    layers = [layer for _ in range(4) for layer in (nn.Linear(20, 20), nn.BatchNorm1d(20), nn.Tanh())]
    for layer in layers[::3]:
        nn.init.normal_(next(layer.parameters()), std=1e-3)
    net = nn.Sequential(*layers, nn.Linear(20, 10)).train(trains)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1), classes())


@eval_mode_during_training.bad
def left_in_evaluation_mode() -> Subject:
    return _program(trains=False)


@eval_mode_during_training.good
def in_training_mode() -> Subject:
    return _program(trains=True)
