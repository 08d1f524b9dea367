from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.loss import negated
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import turned
from ...observations.cards.outputs import OutputCard
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def flipped_loss_sign(run: OverfitBatch, outputs: OutputCard, setup: SetUp) -> Iterator[Evidence]:
    """The loss has the wrong sign: training makes the errors larger.

    A likelihood is to be maximised, a loss minimised; between the two stands a minus that is easily lost or doubled. The optimizer then
    works as well as ever, in the wrong direction.

    Shows as: a loss that falls below zero without end, while the accuracy falls with it.
    Proven by: the negated loss has a floor, this one has none; and a copy trained on the negated loss reaches that floor.
    Not this when: a loss may be negative by nature (a density's likelihood, an ELBO, a policy gradient); those have no floor either way.
    Fails: a sign turned in the loop behind the loss is seen by `%%watch`, not here.
    See: FSDL, "overfit a single batch", error goes up: "flipped the sign of the loss function".
    """
    if not run.floor.mirrored and (not outputs.negated or run.passed):
        return
    loss = setup.names["loss_fn"]
    yield Evidence(
        Confidence.LIKELY,
        facts=(
            Fact("lowest value that any outputs can reach", "none: it falls without end", "a floor, as the negated loss has"),
            Fact("loss at the end", f"{run.final:.4g}", "near the floor"),
        ),
        fix=Fix(f"Turn the sign of what `{loss}` returns.", f"loss = -{loss}(output, target)", "the sign of the loss turned", turned(loss)),
        cure=negated,
        refuted_by="A run on the negated loss that does not reach its floor.",
    )


def _likelihood(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return output.log_softmax(1).gather(1, target[:, None]).mean()


def _program(sign: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, lambda o, t: sign * _likelihood(o, t), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@flipped_loss_sign.bad
def minimises_the_likelihood() -> Subject:
    return _program(+1)


@flipped_loss_sign.good
def minimises_its_negative() -> Subject:
    return _program(-1)
