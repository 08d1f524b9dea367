from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from ...engine.check import check
from ...engine.edits import Argument
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import with_argument
from ...observations.cards.modes import ModeCard
from ..small_data import classes


@check(severity=Severity.WARNING)
def functional_dropout_always_on(modes: ModeCard) -> Iterator[Evidence]:
    """A functional dropout does not know of `eval()`: it drops in validation and in use, too.

    `functional.dropout(x)` takes `training=True` where nothing is said. Each prediction is then another one, and the metrics are those of
    a thinned model. `scaled_dot_product_attention` drops its `dropout_p` in any mode, too.

    Shows as: two predictions for one input that differ in evaluation mode; a validation score that is noisy and too low.
    Proven by: a call of dropout at work in evaluation mode, on a line that does not say `training`.
    Not this when: the line says `training=True`: Monte-Carlo dropout is meant. A dropout layer left in training mode is not this either.
    Fails: a call spread over several lines is not read, and nothing is said.
    See: torch.nn.functional.dropout: "training: apply dropout if True. Default: True".
    """
    unsaid = [call for call in modes.active if call.said is False]
    if unsaid:
        first = unsaid[0]
        told = with_argument(first.line.source, first.function, "training=self.training")
        code = told if "dropout" in first.function else f"dropout_p={first.p:g} if self.training else 0.0"
        edits = tuple(Argument(c.line.spot, c.function, "training", "self.training", 2) for c in unsaid if "dropout" in c.function)
        yield Evidence(
            Confidence.PROVEN,
            facts=(Fact("dropout at work in evaluation mode", f"p={first.p:g}, in {len(unsaid)} calls", "none"),),
            where=first.where,
            fix=Fix("Tell it the mode.", code, edits=edits),
            always=True,
            refuted_by="Two equal predictions in evaluation mode.",
        )


class _Thinned(nn.Module):
    def __init__(self, says: bool | None):
        super().__init__()
        self.first, self.last, self.says = nn.Linear(20, 64), nn.Linear(64, 10), says

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.first(x))
        if self.says is None:
            hidden = functional.dropout(hidden, 0.1)
        else:
            hidden = functional.dropout(hidden, 0.1, training=self.says or self.training)
        return self.last(hidden)


def _program(says: bool | None) -> Subject:
    torch.manual_seed(0)
    net = _Thinned(says)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@functional_dropout_always_on.bad
def without_the_mode() -> Subject:
    return _program(says=None)


@functional_dropout_always_on.good
def with_the_mode() -> Subject:
    return _program(says=False)


@functional_dropout_always_on.good
def on_purpose() -> Subject:
    return _program(says=True)
