from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import in_words, limited
from ...engine.subject import Subject
from ...observations.cards.left_alive import LeftAlive
from ...observations.memory_plan import MemoryPlan

_LEAST = 3  # passes


@check(severity=Severity.WARNING)
def missing_no_grad_eval(left: LeftAlive, plan: MemoryPlan) -> Iterator[Evidence]:
    """Outputs of several passes were collected with their graphs, and no backward pass ever freed these.

    Outside of `torch.no_grad()` every output holds all that its layers saved. Collected over a validation set, that is many batches'
    activations at once.

    Shows as: an out-of-memory error in validation, though training fits.
    Proven by: the tensors that the collected graphs still hold, all made with the same weights.
    Not this when: the outputs are those of one pass, or of training, whose backward pass has freed them.
    Fails: outputs that wait for a backward pass of all together look the same; a loop that keeps nothing is seen by `%%watch` only.
    See: torch.no_grad; FSDL, "out of memory", often at evaluation.
    """
    for kept in left.graphs:
        held = kept.held
        if held.apart and not held.freed and held.passes >= _LEAST and held.steps == 1 and not kept.summed:
            yield Evidence(
                Confidence.LIKELY,
                facts=(
                    Fact(f"passes whose graphs `{kept.name}` keeps", str(held.passes), "0"),
                    Fact("saved for backward passes that never came", in_words(held.size), "nothing"),
                ),
                where=f"`{kept.name}`",
                fix=Fix("Evaluate without a graph.", "with torch.no_grad():\n    output = model(x)"),
                always=True,
                severity=Severity.WARNING if plan.matters(held.size) else Severity.NOTE,
                refuted_by="A backward pass through these outputs that is still to come.",
            )


def _program(gradients: bool) -> Subject:
    torch.manual_seed(0)
    net, batch = nn.Sequential(nn.Linear(20, 40), nn.Tanh(), nn.Linear(40, 4)), (torch.randn(64, 20), torch.randint(0, 4, (64,)))
    with contextlib.nullcontext() if gradients else torch.no_grad():
        outputs = [net(torch.randn(64, 20)) for _ in range(8)]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    return Subject(net, nn.CrossEntropyLoss(), optimizer, batch, memory=limited(1e6), scope={"net": net, "outputs": outputs})


@missing_no_grad_eval.bad
def collects_graphs() -> Subject:
    return _program(gradients=True)


@missing_no_grad_eval.good
def collects_outputs() -> Subject:
    return _program(gradients=False)
