from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...cures.into_loss import given
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.cards.targets import TargetCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def kl_div_probs(targets: TargetCard, run: OverfitBatch, setup: SetUp) -> Iterator[Evidence]:
    """A divergence is given probabilities where it expects their logarithms, or the other way round.

    `KLDivLoss` takes the model's log-probabilities, and the target as probabilities; as log-probabilities only with `log_target=True`.
    With probabilities for the model's side it falls below zero, which no divergence does, and its best answer is another one.

    Shows as: a loss below zero; `nan` where a target in logarithms is taken for probabilities.
    Proven by: rows that sum to one and a divergence below zero before our eyes, or a copy with the logarithm that reaches its floor.
    Not this when: the model's side comes from log_softmax, and `log_target` says what the target is.
    Fails: scores that are neither probabilities nor their logarithms are not named here.
    See: torch.nn.KLDivLoss, "this loss expects the argument input in the log-space".
    """
    if not targets.goes_into("kl_div"):
        return
    name, written = setup.names["loss_fn"], "torch.nn.KLDivLoss(reduction='batchmean'"
    if targets.output.distribution:
        code = f"{name}(torch.log_softmax(logits, dim=-1), target)"
        fix = Fix("Give it log-probabilities: log_softmax instead of softmax.", code, "the logarithm taken")
        yield _evidence("what the model gives", fix, given("kl_div", lambda p, t: (p.clamp(min=1e-30).log(), t)), run)
    elif targets.target.span[1] <= 0 and targets.target.span[0] < 0 and not targets.log_target:
        fix = Fix("Say that the target is in logarithms.", f"{name} = {written}, log_target=True)", "log_target=True")
        yield _evidence("the target", fix, given("kl_div", lambda p, t: (p, t), log_target=True), run)
    elif targets.target.distribution and targets.log_target:
        fix = Fix("Leave log_target out: the target is in probabilities.", f"{name} = {written})", "no log_target")
        yield _evidence("the target", fix, given("kl_div", lambda p, t: (p, t), log_target=False), run)


def _evidence(who: str, fix: Fix, cure: Callable[[Subject], Subject], run: OverfitBatch) -> Evidence:
    wants_logarithms = fix.done != "log_target=True"
    seen, expected = ("probabilities", "their logarithms") if wants_logarithms else ("log-probabilities", "probabilities")
    return Evidence(
        Confidence.PROVEN if not run.final >= 0 else Confidence.LIKELY,
        facts=(Fact(who, seen, expected), Fact("divergence at the end", f"{run.final:.3g}", "never below 0")),
        fix=fix,
        cure=cure,
        always=True,
        refuted_by="A model's side whose exponentials sum to one.",
    )


def _program(*closing: nn.Module) -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), *closing), classes()
    soft = 0.9 * nn.functional.one_hot(labels, 10) + 0.01
    return Subject(net, nn.KLDivLoss(reduction="batchmean"), torch.optim.Adam(net.parameters(), lr=1e-2), (points, soft))


@kl_div_probs.bad
def ends_in_softmax() -> Subject:
    return _program(nn.Softmax(dim=1))


@kl_div_probs.good
def ends_in_log_softmax() -> Subject:
    return _program(nn.LogSoftmax(dim=1))
