from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ...cures.less_memory import without_state
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import in_words, limited
from ...engine.subject import Subject
from ...instruments.moments import ACTIVATIONS, BATCH, STATE
from ...observations.memory_plan import MemoryPlan
from ...observations.memory_plan.usage import Usage


@check(severity=Severity.ERROR)
def optimizer_state_oom(plan: MemoryPlan) -> Iterator[Evidence]:
    """A forward and a backward pass fit, and the optimizer's state for all parameters does not.

    Adam keeps two more numbers for every parameter. It makes them in its first step, so that the first backward pass says nothing yet.

    Shows as: an out-of-memory error in the first `step()`, and not before.
    Proven by: a plan with an optimizer that keeps nothing, made in the same way.
    Not this when: the activations of the batch take more than the state, or one dense layer is most of it: these go first.
    Fails: optimizers that hold their state elsewhere, or in 8 bits, are planned as they are, if they run without numbers.
    See: torch.optim.Adam, `exp_avg` and `exp_avg_sq`; FSDL, "out of memory".
    """
    if plan.training is None or not plan.training.first_pass <= plan.limit < plan.training.peak.total:
        return
    peak = plan.training.peak
    dense = max((use.total for use in plan.training.modules if use.kind == "Linear"), default=0)
    if peak.of(STATE) > peak.of(ACTIVATIONS) + peak.of(BATCH) and dense <= 0.5 * peak.total:
        yield _evidence(plan.training, plan.limit, plan.names)


def _evidence(training: Usage, limit: float, names: tuple[str, str]) -> Evidence:
    model, optimizer = names
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact("the optimizer keeps", in_words(training.state), "room for it"),
            Fact("needed before its first step", in_words(training.first_pass), f"at most {in_words(limit)}"),
            Fact("needed from then on", in_words(training.peak.total), f"at most {in_words(limit)}"),
        ),
        where=f"`{optimizer}`",
        fix=Fix(
            "Take an optimizer that keeps less (SGD, Adafactor), or train fewer parameters.",
            f"{optimizer} = torch.optim.SGD({model}.parameters(), lr=0.01)",
            "plain SGD",
        ),
        cure=without_state,
        refuted_by="A first `step()` that ends without an error on this device.",
    )


def _program(optimizer: Any) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(*(nn.Linear(200, 200) for _ in range(8)), nn.Linear(200, 4))
    batch = torch.randn(16, 200), torch.randint(0, 4, (16,))
    return Subject(net, nn.CrossEntropyLoss(), optimizer(net.parameters(), lr=1e-3), batch, memory=limited(4e6))


@optimizer_state_oom.bad
def two_more_numbers_for_each() -> Subject:
    return _program(torch.optim.Adam)


@optimizer_state_oom.good
def nothing_kept() -> Subject:
    return _program(torch.optim.SGD)
