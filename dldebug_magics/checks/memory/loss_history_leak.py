from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import limited
from ...engine.subject import Subject
from ...observations.cards.left_alive import LeftAlive
from ...observations.memory_plan import MemoryPlan

_LEAST = 10  # losses


@check(severity=Severity.WARNING)
def loss_history_leak(left: LeftAlive, plan: MemoryPlan) -> Iterator[Evidence]:
    """Losses are added up or collected as tensors, and each keeps the graph of its step alive.

    A sum `total += loss` is the end of a graph that grows by a whole pass in every step. What the passes had saved is freed by their
    backward passes, their nodes are not.

    Shows as: memory of the host that grows step by step, and epochs that slow down.
    Proven by: the nodes that the name still holds, counted.
    Not this when: the losses are those of one pass (several tasks, time steps of one sequence); they share more than weights.
    Fails: without a limit, or a device that has one, this is a note. What a loop does while it runs is seen by `%%watch`.
    See: PyTorch FAQ, "My model reports out of memory": don't accumulate history across your training loop.
    """
    for kept in left.graphs:
        if kept.scalars and kept.held.apart and kept.held.freed and kept.held.passes >= _LEAST:
            code = f"{kept.name} += loss.item()" if kept.summed else f"{kept.name}.append(loss.item())"
            yield Evidence(
                Confidence.PROVEN,
                facts=(
                    Fact(f"passes whose graphs `{kept.name}` keeps", str(kept.held.passes), "0"),
                    Fact("nodes of these graphs", str(kept.held.nodes), "0"),
                ),
                where=f"`{kept.name}`",
                fix=Fix("Keep the numbers, not the tensors.", code),
                always=True,
                severity=Severity.WARNING if plan.matters(plan.limit) else Severity.NOTE,
                refuted_by=f"`{kept.name}` without a `grad_fn`.",
            )


def _program(keep: Any) -> Subject:
    torch.manual_seed(0)
    net, (x, y) = nn.Linear(20, 4), (torch.randn(16, 20), torch.randint(0, 4, (16,)))
    optimizer, loss_fn, losses, total = torch.optim.SGD(net.parameters(), lr=0.1), nn.CrossEntropyLoss(), [], 0.0
    for _ in range(20):
        optimizer.zero_grad()
        loss = loss_fn(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(keep(loss))
        total = total + keep(loss)
    return Subject(net, loss_fn, optimizer, (x, y), memory=limited(1e6), scope={"net": net, "losses": losses, "total": total})


@loss_history_leak.bad
def adds_up_tensors() -> Subject:
    return _program(lambda loss: loss)


@loss_history_leak.good
def adds_up_numbers() -> Subject:
    return _program(lambda loss: loss.item())
