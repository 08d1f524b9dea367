from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import nn

from ...cures.learning_rate import descending
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def gradient_ascent(setup: SetUp, run: OverfitBatch) -> Iterator[Evidence]:
    """The optimizer walks uphill: `maximize=True`, or a learning rate below zero.

    Every step makes the loss larger. The setting is right for a reward, and for a loss it is a sign too many.

    Shows as: a loss that goes up from the first step.
    Proven by: a copy whose optimizer walks downhill and memorises the batch.
    Not this when: a reward is maximised on purpose, which is judged by its negative.
    Fails: an update rule written by hand is seen by `%%watch`, not here.
    See: FSDL, "overfit a single batch", error goes up.
    """
    uphill = [group for group in setup.groups if group.get("maximize") or (group.get("lr") or 0) < 0]
    if not uphill or run.passed:
        return
    maximise = bool(uphill[0].get("maximize"))
    changed = {"maximize": False} if maximise else {"lr": abs(setup.rates[0])}
    yield Evidence(
        Confidence.LIKELY,
        facts=(Fact("setting of the optimizer", "maximize=True" if maximise else f"lr={setup.rates[0]:g}", "maximize=False, lr above 0"),),
        fix=Fix("Let the optimizer walk downhill.", setup.optimizer_line(**changed), "the optimizer walking downhill"),
        cure=descending,
        refuted_by="A downhill run that does not reach the floor.",
    )


def _program(maximize: bool) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2, maximize=maximize), classes())


@gradient_ascent.bad
def maximises() -> Subject:
    return _program(maximize=True)


@gradient_ascent.good
def minimises() -> Subject:
    return _program(maximize=False)


@gradient_ascent.good
def maximises_a_reward() -> Subject:
    subject = _program(maximize=True)
    return dataclasses.replace(subject, loss_fn=lambda output, target: -nn.functional.cross_entropy(output, target))
