from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import hoisted
from ...observations.cards.modes import ModeCard
from ..small_data import values


@check(severity=Severity.ERROR)
def module_made_in_forward(modes: ModeCard) -> Iterator[Evidence]:
    """A layer with weights is made inside `forward`: it is another one, with other random weights, in every pass.

    No optimizer ever sees it twice and no `state_dict` has it. The layers around it learn to live with noise.

    Shows as: a noisy plateau; predictions that differ from call to call.
    Proven by: a layer that is no part of the model, and whose weights differ between two passes.
    Not this when: the layer is a copy of the model's own (its weights are the same in every pass), or has no weights.
    Fails: bare tensors made in `forward` look like noise that is meant; a layer made once, in the first pass, is another cause.
    See: torch.nn.Module: submodules are assigned as attributes in `__init__`.
    """
    made = [row for row in modes.made if row.parameters and row.differs]
    if made:
        yield Evidence(
            Confidence.PROVEN,
            facts=(
                Fact("layers with weights made in forward()", ", ".join(dict.fromkeys(row.kind for row in made)), "none"),
                Fact("parameters that are thrown away with every pass", f"{sum(row.parameters for row in made)}", "0"),
            ),
            where=made[0].where,
            fix=Fix(
                "Make it once, in __init__, before the optimizer is made.",
                f"self.layer = torch.nn.{made[0].kind}(...)   # in __init__; then self.layer(x)",
                edits=tuple(edit for row in made for edit in hoisted(row.line, row.kind)),
            ),
            always=True,
            refuted_by="The same weights in two passes.",
        )


class _Tower(nn.Module):
    def __init__(self, keeps: bool):
        super().__init__()
        self.first, self.middle, self.last, self.keeps = nn.Linear(8, 32), nn.Linear(32, 32), nn.Linear(32, 1), keeps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        middle = self.middle if self.keeps else nn.Linear(32, 32)
        return self.last(torch.relu(middle(torch.relu(self.first(x)))))


def _program(keeps: bool) -> Subject:
    torch.manual_seed(0)
    net = _Tower(keeps)
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=1e-2), values())


@module_made_in_forward.bad
def made_in_every_pass() -> Subject:
    return _program(keeps=False)


@module_made_in_forward.good
def made_once() -> Subject:
    return _program(keeps=True)
