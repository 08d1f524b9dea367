from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...observations.cards.norms import Norm, NormCard
from ...observations.cards.set_up import SetUp
from ..small_data import classes


@check(severity=Severity.WARNING)
def bn_stats_not_converged(card: NormCard, setup: SetUp) -> Iterator[Evidence]:
    """Batch norm's stored statistics move so slowly that evaluation never sees the ones of training.

    Each step moves them by `momentum` of the way to the batch's; 0.1 is there after 50 steps. Torch's momentum is the share of the new, not
    of the old as elsewhere. With 1e-5 they are where they began when training ends, and `eval()` uses those.

    Shows as: a training loss near zero and a validation loss near chance or beyond.
    Proven by: the stored statistics are far from the batch's and close to their first values, and this momentum keeps them there.
    Not this when: the momentum is usual and training young: the gap closes by itself. The statistics of a pretrained model are held.
    Fails: a momentum above 1e-4 is never called too small, however short the training.
    See: torch.nn.BatchNorm2d, "momentum"; Ioffe & Szegedy 2015.
    """
    stuck = [n for n in card.norms if n.momentum is not None and n.momentum <= _SLOW and n.apart > 0.5 and n.from_start < 0.1 * n.apart]
    if stuck:
        yield _evidence(stuck, module_expression(setup.names["model"], stuck[0].name))


def _evidence(stuck: list[Norm], layer: str) -> Evidence:
    first = stuck[0]
    covered = 1 - (1 - (first.momentum or 0.0)) ** 1000
    return Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("momentum", f"{first.momentum:g} in {len(stuck)} batch norms", "0.1, or 0.01"),
            Fact("way to the batch's statistics that 1000 steps cover", f"{covered:.2%}", "all of it"),
            Fact("distance of stored and batch statistics", f"{first.apart:.2g} deviations", "near 0 in the end"),
        ),
        where=first.name,
        fix=Fix("Give the share of the new statistics, 0.1 unless there is a reason.", f"{layer}.momentum = 0.1"),
        always=True,
        refuted_by="Stored statistics that are those of the batch after training.",
    )


_SLOW = 1e-4


def _program(momentum: float) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64, momentum=momentum), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@bn_stats_not_converged.bad
def hardly_moves() -> Subject:
    return _program(1e-5)


@bn_stats_not_converged.good
def moves() -> Subject:
    return _program(0.1)


@bn_stats_not_converged.good
def held_on_purpose() -> Subject:
    subject = _program(0.1)
    for _ in range(60):
        subject.model(classes()[0])
    subject.model.get_submodule("1").momentum = 0.0
    return subject
