from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import nn

from ...cures.parameters import all_stepped
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import listed
from ...observations.cards.parameters import ParameterCard
from ...observations.cards.set_up import SetUp
from ..small_data import values


@check(severity=Severity.ERROR)
def params_in_plain_list(parameters: ParameterCard, setup: SetUp) -> Iterator[Evidence]:
    """Layers stand in a plain list or dict, so that the model does not know them.

    `model.parameters()` leaves them out: no optimizer steps them, no `.to(device)` moves them, no `state_dict()` saves them. They take part
    in the forward pass with their first, random weights.

    Shows as: a plateau, or "optimizer got an empty parameter list".
    Proven by: the loss's graph reaches parameters that the model does not list and no optimizer holds.
    Not this when: they were handed to the optimizer by hand, or get no gradient (a hidden teacher).
    Fails: a layer that lives outside the model altogether is not found here.
    See: torch.nn.ModuleList, "ModuleList can be indexed like a regular Python list, but modules it contains are properly registered".
    """
    hidden = [p for p in parameters.named(registered=False) if not p.in_optimizer and p.name != "a tensor outside the model"]
    if not hidden:
        return
    held = hidden[0].name.partition("[")[0].partition(".")[0]
    yield Evidence(
        Confidence.PROVEN,
        facts=(Fact("parameters in the graph that model.parameters() does not list", ", ".join(p.name for p in hidden[:4]), "none"),),
        where=hidden[0].name,
        fix=Fix(
            "Keep the layers in a ModuleList (or ModuleDict) and make the optimizer after that.",
            f"self.{held} = torch.nn.ModuleList(self.{held})",
            "the layers registered",
            listed(setup.names["model"], held) if re.match(r"\w+\[\d+\]", hidden[0].name) else (),
        ),
        cure=all_stepped,
        always=True,
        refuted_by="The names in `model.named_parameters()`.",
    )


class _Tower(nn.Module):
    def __init__(self, registered: bool):
        super().__init__()
        layers = [nn.Linear(8, 3), nn.Linear(3, 3)]
        self.layers = nn.ModuleList(layers) if registered else layers
        self.head = nn.Linear(3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.head(x)


def _program(registered: bool) -> Subject:
    torch.manual_seed(0)
    net = _Tower(registered)
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=3e-2), values())


@params_in_plain_list.bad
def plain_list() -> Subject:
    return _program(registered=False)


@params_in_plain_list.good
def module_list() -> Subject:
    return _program(registered=True)
