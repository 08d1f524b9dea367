from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.parameters import all_stepped
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.first_values import FirstValues
from ...observations.cards.parameters import ParameterCard
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ..small_data import values


@check(severity=Severity.ERROR)
def optimizer_wrong_params(parameters: ParameterCard, weights: FirstValues, run: OverfitBatch, setup: SetUp) -> Iterator[Evidence]:
    """The optimizer does not hold the parameters that the loss depends on.

    A layer was replaced, or the model made anew, after the optimizer was built: it goes on stepping tensors that nobody uses, while the new
    ones get gradients and never move.

    Shows as: a plateau although every line of the loop is right.
    Proven by: identities: parameters with a gradient that the optimizer lacks, beside tensors in it that belong to nothing here.
    Not this when: the parameters left out are frozen, or a head is trained alone on purpose and learns the batch.
    Fails: several optimizers that share a model must be looked at together, with `%%watch`.
    See: torch.optim, "if you need to move or change a model, do so before constructing optimizers for it".
    """
    missing = [p for p in parameters.named(in_graph=True) if p.requires_grad and not p.in_optimizer]
    stale = parameters.strangers > 0
    untrained = any(p.name in weights.untrained for p in missing)
    if not missing or not setup.given or (run.passed and not stale and not untrained):
        return
    yield Evidence(
        Confidence.PROVEN if stale else Confidence.LIKELY,
        facts=(
            Fact("parameters with a gradient that the optimizer lacks", ", ".join(p.name for p in missing[:4]), "none"),
            Fact("tensors in the optimizer that the model does not have", str(parameters.strangers), "0"),
        ),
        where=missing[0].name,
        fix=Fix("Build the optimizer after the last change to the model.", setup.optimizer_line(), "all parameters in the optimizer"),
        cure=all_stepped,
        always=stale,
        eases=untrained,
        refuted_by="The same tensors, by `is`, in the model and in the optimizer's groups.",
    )


def _program(replaced_after: bool) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-2)
    net[0] = nn.Linear(8, 4)
    return Subject(net, nn.MSELoss(), optimizer if replaced_after else torch.optim.Adam(net.parameters(), lr=3e-2), values())


@optimizer_wrong_params.bad
def layer_replaced_after_the_optimizer() -> Subject:
    return _program(replaced_after=True)


@optimizer_wrong_params.good
def layer_replaced_before() -> Subject:
    return _program(replaced_after=False)
