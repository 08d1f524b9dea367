from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import hoisted
from ...observations.cards.modes import ModeCard
from ..small_data import classes


@check(severity=Severity.WARNING)
def dropout_built_in_forward(modes: ModeCard) -> Iterator[Evidence]:
    """A dropout layer is made inside `forward`, where `eval()` cannot reach it.

    A new layer is in training mode. The model does not know it, so neither `eval()` nor `train()` tells it anything: it drops in
    validation and in use, too.

    Shows as: two predictions for one input that differ in evaluation mode; a validation score that is noisy and too low.
    Proven by: a dropout layer at work in evaluation mode that is no part of the model and another one in every pass.
    Not this when: the layer is made in `__init__`; it was given the mode (`.train(self.training)`).
    Fails: within a model that was compiled or traced it is not seen.
    See: torch.nn.Module.eval, which reaches registered modules only.
    """
    made = [row for row in modes.made if row.drops]
    if made and not any(row.parameters and row.differs for row in modes.made):
        yield Evidence(
            Confidence.PROVEN,
            facts=(Fact("dropout layers made in forward(), at work in evaluation mode", f"{len(made)}", "none"),),
            where=made[0].where,
            fix=Fix(
                "Make it once, in __init__, and call it in forward().",
                f"self.dropout = torch.nn.{made[0].kind}(...)   # in __init__; then self.dropout(x)",
                edits=hoisted(made[0].line, made[0].kind, ".train(self.training)"),
            ),
            always=True,
            refuted_by="Two equal predictions in evaluation mode.",
        )


class _Thinned(nn.Module):
    def __init__(self, keeps: bool):
        super().__init__()
        self.first, self.last, self.drop, self.keeps = nn.Linear(20, 64), nn.Linear(64, 10), nn.Dropout(0.1), keeps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.first(x))
        return self.last(self.drop(hidden) if self.keeps else nn.Dropout(0.1)(hidden))


def _program(keeps: bool) -> Subject:
    torch.manual_seed(0)
    net = _Thinned(keeps)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@dropout_built_in_forward.bad
def made_in_every_pass() -> Subject:
    return _program(keeps=False)


@dropout_built_in_forward.good
def made_once() -> Subject:
    return _program(keeps=True)
