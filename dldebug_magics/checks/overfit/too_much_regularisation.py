from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...cures.regularisation import without_dropout, without_weight_decay
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...observations.cards.layers import LayerCard
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR, hyperparameter=True)
def too_much_regularisation(run: OverfitBatch, setup: SetUp, layers: LayerCard) -> Iterator[Evidence]:
    """Weight decay or dropout is so strong that one batch cannot be memorised.

    Shows as: a plateau above the floor; noisy with dropout, smooth with weight decay.
    Proven by: a copy without that kind of regularisation, which memorises the batch.
    Not this when: the batch is memorised in spite of it; label smoothing has a floor of its own, which is known and subtracted.
    Fails: a penalty that the loss adds by hand is not told apart from the loss.
    See: FSDL, "overfit a single batch", error plateaus: "too much regularisation".
    """
    if run.passed or not run.losses:
        return
    decay = max(float(group.get("weight_decay", 0.0)) for group in setup.groups)
    if decay > 0:
        sure, code = Confidence.LIKELY if decay >= 0.01 else Confidence.HINT, setup.optimizer_line(weight_decay=0.0)
        yield _evidence(sure, Fact("weight decay", f"{decay:g}", _NONE), ("weight decay", code), without_weight_decay)
    strongest = max(setup.dropouts.values(), default=0.0)
    if strongest > 0 or layers.dropout_calls:
        names = ", ".join(f"{name} ({p:g})" for name, p in list(setup.dropouts.items())[:4]) or "in functional calls"
        first = module_expression(setup.names["model"], next(iter(setup.dropouts), ""))
        sure, code = Confidence.LIKELY if strongest >= 0.5 else Confidence.HINT, f"{first}.p = 0.0" if setup.dropouts else "p=0.0"
        yield _evidence(sure, Fact("dropout", names, _NONE), ("dropout", code), without_dropout)


_NONE = "0 while the batch is not memorised"


def _evidence(sure: Confidence, fact: Fact, change: tuple[str, str], cure: Callable[[Subject], Subject]) -> Evidence:
    kind, code = change
    fix = Fix(f"Take the {kind} off, at least until one batch is memorised.", code, f"no {kind}")
    return Evidence(sure, (fact,), fix=fix, cure=cure, refuted_by=f"A run without {kind} that stops at the same loss.")


def _program(decay: float) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1, weight_decay=decay), classes())


@too_much_regularisation.bad
def strong_weight_decay() -> Subject:
    return _program(0.3)


@too_much_regularisation.bad
def strong_dropout() -> Subject:
    subject = _program(0.0)
    subject.model.insert(2, nn.Dropout(0.98))
    return subject


@too_much_regularisation.good
def gentle_weight_decay() -> Subject:
    return _program(1e-4)
