from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...observations.cards.freezing import FreezingCard, Unread
from ...observations.cards.parameters import ParameterCard
from ...observations.cards.set_up import SetUp
from ..small_data import values


@check(severity=Severity.WARNING)
def freeze_not_effective(freezing: FreezingCard, parameters: ParameterCard, setup: SetUp) -> Iterator[Evidence]:
    """Parameters that were to be frozen go on learning: torch does not read the attribute that was set.

    `p.require_grad = False` makes a new attribute without a word, and so does `module.requires_grad = False`: a module has only the method
    `requires_grad_`. A pretrained trunk that was meant to stay as it is is trained, and may lose what it knew.

    Shows as: nothing in the loss, which may even fall faster; the weights move.
    Proven by: the attribute, which is there and False, beside parameters that require a gradient, get one, and are in the optimizer.
    Not this when: `requires_grad` itself is False, no gradient reaches them, or the optimizer does not hold them.
    Fails: a freeze undone later leaves no trace here; statistics of a batch norm that move on are not weights.
    See: torch.nn.Module.requires_grad_; torch, "autograd mechanics", setting requires_grad.
    """
    learning = {p.name for p in parameters.named(in_graph=True) if p.requires_grad and p.in_optimizer}
    found = [unread for unread in freezing.unread if learning.intersection(unread.parameters)]
    for unread in found[:1]:
        moved = sorted({name for each in found for name in each.parameters if name in learning})
        yield _evidence(unread, moved, setup.names["model"])


def _evidence(unread: Unread, moved: list[str], model: str) -> Evidence:
    owner = module_expression(model, unread.owner)
    code = f"{owner}.requires_grad_(False)"
    return Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("attribute that torch does not read", f"{owner}.{unread.attribute} = False", code),
            Fact("parameters that learn all the same", ", ".join(moved[:4]) + (", ..." if len(moved) > 4 else ""), "none of them"),
        ),
        where=unread.owner,
        fix=Fix("Freeze them with the method, which torch reads and which complains about a misspelling.", code, "the parameters frozen"),
        always=True,
        refuted_by="`requires_grad` that is False on these parameters.",
    )


def _program() -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=1e-2), values())


@freeze_not_effective.bad
def attribute_of_a_module() -> Subject:
    subject = _program()
    subject.model[0].requires_grad = False
    return subject


@freeze_not_effective.bad
def misspelt_on_parameters() -> Subject:
    subject = _program()
    for parameter in subject.model[0].parameters():
        parameter.require_grad = False
    return subject


@freeze_not_effective.good
def frozen_by_the_method() -> Subject:
    subject = _program()
    subject.model[0].requires_grad_(False)
    return subject
