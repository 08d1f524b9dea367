from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.parameters import thawed
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.never_trained import NeverTrained
from ...observations.cards.parameters import ParameterCard
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ..small_data import values


@check(severity=Severity.ERROR)
def requires_grad_false(parameters: ParameterCard, never: NeverTrained, run: OverfitBatch, setup: SetUp) -> Iterator[Evidence]:
    """Parameters that matter are frozen, and what is left cannot learn the batch.

    `requires_grad` is False for them: left over from feature extraction, set for a whole model instead of its trunk, or copied along.

    Shows as: a plateau; or, where everything is frozen, "element 0 of tensors does not require grad".
    Proven by: a copy with these parameters thawed, which memorises the batch. Likely, where the rest needs more than 300 steps for it, the
    copy a quarter of them, and the frozen layers lie as torch drew them: nobody ever trained them.
    Not this when: the rest learns the batch without them: a frozen backbone under a new head is meant, if it was trained before.
    Fails: weights frozen by a rate of 0 are another cause.
    See: FSDL, "overfit a single batch", error plateaus.
    """
    frozen = [p for p in parameters.named() if not p.requires_grad and p.moves_loss]
    slow = run.passed and len(run.losses) > run.asked_steps and never.answers and bool(never.as_made) and not never.others
    if frozen and (slow or not run.passed):
        share = sum(p.size for p in frozen) / sum(p.size for p in parameters.named())
        model = setup.names["model"]
        yield Evidence(
            Confidence.LIKELY,
            facts=(
                Fact("frozen parameters that move the loss", ", ".join(p.name for p in frozen[:4]), "none, or not needed"),
                Fact("share of all parameters", f"{share:.0%}"),
            ),
            where=frozen[0].name,
            fix=Fix("Thaw them before the optimizer is made.", f"{model}.requires_grad_(True)", "these parameters thawed"),
            cure=thawed,
            eases=slow,
            refuted_by="A run with the parameters thawed that stops at the same loss.",
        )


def _program(frozen: bool) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 1))
    net[0].requires_grad_(not frozen)
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=3e-2), values())


@requires_grad_false.bad
def frozen_first_layer() -> Subject:
    return _program(frozen=True)


@requires_grad_false.good
def all_learn() -> Subject:
    return _program(frozen=False)
