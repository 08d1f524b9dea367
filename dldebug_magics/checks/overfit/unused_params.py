from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.parameters import ParameterCard
from ..small_data import classes


@check(severity=Severity.NOTE)
def unused_params(parameters: ParameterCard) -> Iterator[Evidence]:
    """Parameters are registered and handed to the optimizer, and the loss does not depend on them.

    A layer that is made and never called takes memory and, where gradients are gathered across machines, stops the run. Often `forward`
    calls another layer by mistake, the first one twice and the second never.

    Shows as: a gradient of None; nothing in the curve.
    Proven by: the loss's graph does not reach them, and nudging them does not move the loss.
    Not this when: this batch has no work for them: a head of another task, an expert that was not chosen. That is why it is a note.
    Fails: beyond 64 such parameters not each is nudged.
    See: torch.nn.parallel.DistributedDataParallel, `find_unused_parameters`.
    """
    idle = [p for p in parameters.named(in_graph=False) if p.requires_grad and p.in_optimizer and p.moves_loss is False]
    if idle and parameters.loss_has_graph:
        names = ", ".join(p.name for p in idle[:4]) + (f" and {len(idle) - 4} more" if len(idle) > 4 else "")
        yield Evidence(
            Confidence.PROVEN,
            facts=(Fact("parameters without any effect on the loss", names, "none"),),
            where=idle[0].name,
            fix=Fix("Use them in forward(), or take them out of the model."),
            always=True,
            refuted_by="A gradient that reaches them on another batch.",
        )


class _TwoHeads(nn.Module):
    def __init__(self, both: bool):
        super().__init__()
        self.body, self.first, self.second, self.both = nn.Linear(20, 32), nn.Linear(32, 10), nn.Linear(32, 10), both

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.body(x))
        return self.first(hidden) + (self.second(hidden) if self.both else 0.0)


def _program(both: bool) -> Subject:
    torch.manual_seed(0)
    net = _TwoHeads(both)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@unused_params.bad
def second_head_never_called() -> Subject:
    return _program(both=False)


@unused_params.good
def both_heads_called() -> Subject:
    return _program(both=True)
