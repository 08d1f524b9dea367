from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import nn

from ...cures.decoupled_decay import decoupled
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def weight_decay_coupled_adam(setup: SetUp, run: OverfitBatch) -> Iterator[Evidence]:
    """Adam was given a weight decay, which it adds to the gradient and scales up with it.

    Adam divides every gradient by its own size. A decay that is part of the gradient is divided, too: where the loss pulls little, the
    decay pulls with the full learning rate, however small it was set. AdamW takes the decay off the weights by itself.

    Shows as: a smooth plateau, at 0.86 where AdamW with the same numbers reaches 0.001.
    Proven by: a copy trained by AdamW with the same settings, which memorises the batch. Likely, where that copy needs at most a
    quarter of the steps, or where the decay is 0.3 or more.
    Not this when: the decay is small and the batch is memorised, or the decay is too strong for AdamW as well.
    Fails: a penalty added to the loss by hand is coupled in the same way, and not seen.
    See: I. Loshchilov and F. Hutter, "Decoupled weight decay regularization"; torch.optim.AdamW.
    """
    coupled = [g for g in setup.groups if g.get("weight_decay", 0) >= _SMALL and not g.get("decoupled_weight_decay")]
    if not run.decided or run.crash is not None or setup.optimizer not in _COUPLED or not coupled or not setup.written.startswith("torch"):
        return
    decay = max(float(group["weight_decay"]) for group in coupled)
    if setup.optimizer == "Adam":
        code = dataclasses.replace(setup, written="torch.optim.AdamW").optimizer_line(weight_decay=decay)
    else:
        code = setup.optimizer_line(decoupled_weight_decay=True)
    yield Evidence(
        Confidence.LIKELY,
        facts=(Fact(f"weight decay of {setup.optimizer}, inside the gradient", f"{decay:g}", "0, or AdamW"),),
        fix=Fix("Use AdamW, or no weight decay.", code, "the weight decay decoupled, as in AdamW"),
        cure=decoupled,
        always=decay >= _HUGE,
        eases=decay >= _LARGE,
        refuted_by="A run with AdamW that stops at the same loss.",
    )


_COUPLED = ("Adam", "NAdam", "RAdam")
_SMALL = 1e-3
_LARGE, _HUGE = 0.03, 0.3


def _program(kind: type[torch.optim.Optimizer], decay: float) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(), kind(net.parameters(), lr=1e-2, weight_decay=decay), classes())  # type: ignore[call-arg]


@weight_decay_coupled_adam.bad
def adam_with_decay() -> Subject:
    return _program(torch.optim.Adam, 0.3)


@weight_decay_coupled_adam.good
def adamw_with_the_same_decay() -> Subject:
    return _program(torch.optim.AdamW, 0.3)


@weight_decay_coupled_adam.good
def adam_with_a_small_decay() -> Subject:
    return _program(torch.optim.Adam, 1e-4)
