from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...cures.activations import without
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.last_dropout import LastDropout
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def dropout_on_output(dropout: LastDropout, run: OverfitBatch) -> Iterator[Evidence]:
    """Dropout falls on the outputs themselves, right before the loss.

    Between layers dropout hides some of what the next layer combines. Behind the last one it sets answers to 0: the logit of the right
    class is gone in every second step, whatever the network has learnt, and the rest is doubled.

    Shows as: a noisy plateau, near 0.84 for ten classes at p=0.5.
    Proven by: a copy without that one dropout, which memorises the batch.
    Not this when: a layer follows the dropout, or the batch is memorised in spite of it.
    Fails: an output masked by hand is no call of dropout.
    See: torch.nn.Dropout; FSDL, "overfit a single batch", error plateaus: "too much regularisation".
    """
    if not run.passed and run.crash is None:
        yield Evidence(
            Confidence.LIKELY,
            facts=(Fact("dropout between the last layer and the loss", f"p={dropout.probability:g}", "none"),),
            where=dropout.where,
            fix=Fix("Let no dropout follow the last layer.", dropout.taken_out, "no dropout on the outputs", dropout.edits),
            cure=without(dropout.name, dropout.index),
            refuted_by="A run without that dropout that stops at the same loss.",
        )


class _Net(nn.Module):
    def __init__(self, between: float, behind: float):
        super().__init__()
        self.first, self.last = nn.Linear(20, 64), nn.Linear(64, 10)
        self.between, self.behind = between, behind

    def forward(self, x: Tensor) -> Tensor:
        hidden = nn.functional.dropout(torch.relu(self.first(x)), self.between, self.training)
        return nn.functional.dropout(self.last(hidden), self.behind, self.training)


def _program(between: float, behind: float) -> Subject:
    torch.manual_seed(0)
    net = _Net(between, behind)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@dropout_on_output.bad
def drops_logits() -> Subject:
    return _program(0.0, 0.5)


@dropout_on_output.bad
def ends_in_a_dropout_layer() -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), nn.Dropout(0.5))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@dropout_on_output.good
def drops_hidden_units() -> Subject:
    return _program(0.3, 0.0)
