from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import in_words, limited
from ...engine.subject import Subject
from ...observations.cards.left_alive import LeftAlive
from ...observations.memory_plan import MemoryPlan

_LEAST = 5  # steps


@check(severity=Severity.WARNING)
def retain_graph_leak(left: LeftAlive, plan: MemoryPlan) -> Iterator[Evidence]:
    """Graphs of many training steps are alive with all that they saved: their backward passes did not free them.

    `backward(retain_graph=True)` keeps what each layer saved, for a second backward pass that mostly never comes.

    Shows as: memory that grows by a whole batch's activations in every step.
    Proven by: the tensors that these graphs still hold, each made with other weights.
    Not this when: all were made with the same weights, as in an evaluation (`missing_no_grad_eval`); the graphs are one pass.
    Fails: only graphs that a name of the notebook leads to are seen; `%%watch` sees the call itself.
    See: torch.Tensor.backward, `retain_graph`: in nearly all cases it is not needed.
    """
    for kept in left.graphs:
        if kept.held.apart and not kept.held.freed and kept.held.steps >= max(_LEAST, kept.held.passes - 1):
            yield Evidence(
                Confidence.LIKELY,
                facts=(
                    Fact(f"steps whose graphs `{kept.name}` keeps", str(kept.held.steps), "0"),
                    Fact("saved for their backward passes", in_words(kept.held.size), "freed by `backward()`"),
                ),
                where=f"`{kept.name}`",
                fix=Fix("Call backward without `retain_graph`, and keep numbers.", "loss.backward()"),
                always=True,
                severity=Severity.WARNING if plan.matters(kept.held.size) else Severity.NOTE,
                refuted_by="A second backward pass through these graphs that the program needs.",
            )


def _program(retain: bool) -> Subject:
    torch.manual_seed(0)
    net, (x, y) = nn.Sequential(nn.Linear(20, 40), nn.Tanh(), nn.Linear(40, 4)), (torch.randn(64, 20), torch.randint(0, 4, (64,)))
    optimizer, loss_fn, losses = torch.optim.SGD(net.parameters(), lr=0.1), nn.CrossEntropyLoss(), []
    for _ in range(8):
        optimizer.zero_grad()
        losses.append(loss_fn(net(x), y))
        losses[-1].backward(retain_graph=retain)
        optimizer.step()
    return Subject(net, loss_fn, optimizer, (x, y), memory=limited(1e6), scope={"net": net, "losses": losses})


@retain_graph_leak.bad
def keeps_every_graph() -> Subject:
    return _program(retain=True)


@retain_graph_leak.good
def frees_every_graph() -> Subject:
    return _program(retain=False)
