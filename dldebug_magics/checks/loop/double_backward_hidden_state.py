from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.source_lines import Line
from ...instruments.watch.events import Backward
from ...observations.training_loop import TrainingLoop, changes
from ...observations.training_loop.reading import at

_PASSES = 4


@check(severity=Severity.ERROR)
def double_backward_hidden_state(loop: TrainingLoop) -> Iterator[Evidence]:
    """A value that was computed in an earlier step, mostly a hidden state, is carried into this one with its graph.

    The backward pass then goes through the earlier step once more, whose graph is gone. With `retain_graph=True` it goes through all steps
    since the beginning, and takes longer each time.

    Shows as: "Trying to backward through the graph a second time", or "modified by an inplace operation", at the second batch.
    Proven by: the graph of the loss: it has nodes that were made before the pass before.
    Not this when: two losses of one step share a graph on purpose; the state is detached between the steps.
    Fails: a state that is kept inside a library's object is not named, only the backward pass.
    See: torch docs, "Sequence models", hidden states; torch.Tensor.detach; pytorch, truncated backpropagation through time.
    """
    passes = list(loop.of(Backward))
    again = [e for e in passes if 0 <= e.oldest <= e.before < e.root]
    failed = [e for e in again if e.failed]
    if failed:
        state = failed[-1].state
        name, line = (state.name, state.line) if state is not None else ("state", failed[-1].line)
        facts = [Fact("backward passes that failed, going through the graph of an earlier step", str(len(failed)), "0")]
        if state is not None:
            facts.append(Fact("variable whose graph is that of an earlier step", f"`{name}`", "detached from it"))
        yield _evidence(name, line, facts, failed[-1])
    elif len(again) >= _PASSES and len({e.line for e in passes}) == 1 and len({e.oldest for e in again}) == 1:
        fact = Fact("backward passes that go back to the first step", f"{len(again)} of {len(passes)} looked at", "0")
        yield _evidence("state", again[-1].line, [fact])


def _evidence(name: str, line: Line, facts: list[Fact], failed: Backward | None = None) -> Evidence:
    code, edits = changes.detached(name, failed)
    fix = Fix("Cut the value off its graph before the next step uses it.", code, edits=edits)
    return Evidence(Confidence.PROVEN, tuple(facts), at(line), fix)


def _program(cut: bool) -> Callable[[], None]:
    torch.manual_seed(0)
    cell, head = nn.GRU(4, 12, batch_first=True), nn.Linear(12, 4)
    optimizer = torch.optim.SGD([*cell.parameters(), *head.parameters()], lr=0.1)
    x, y = torch.randn(8, 60, 4), torch.randint(0, 4, (8,))

    def train() -> None:
        state = torch.zeros(1, 8, 12)
        with contextlib.suppress(RuntimeError):
            for at_time in range(0, 60, 5):
                optimizer.zero_grad()
                output, state = cell(x[:, at_time : at_time + 5], state.detach() if cut else state)
                nn.functional.cross_entropy(head(output[:, -1]), y).backward()
                optimizer.step()

    return train


@double_backward_hidden_state.bad
def carried_with_its_graph() -> Callable[[], None]:
    return _program(cut=False)


@double_backward_hidden_state.good
def carried_detached() -> Callable[[], None]:
    return _program(cut=True)
