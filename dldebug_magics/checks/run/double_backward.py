from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ...cures.carried_state import graph_retained, state_detached
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.kept_graph import KeptGraph
from ...observations.shape_trace import ShapeTrace
from ..small_data import courses

Way = tuple[Fact, Fix, Callable[[Subject], Subject]]


@check(severity=Severity.ERROR)
def double_backward(trace: ShapeTrace, kept: KeptGraph) -> Iterator[Evidence]:
    """A graph is gone through twice, and the first backward pass has freed it.

    A state that is carried to the next batch carries the whole graph behind it; so does a tensor that is computed from weights once, when
    the model is built. And a gradient taken within a step frees the graph that the loss still needs.

    Shows as: "Trying to backward through the graph a second time", mostly in the second step.
    Proven by: what the model keeps with a graph behind it; detached, or the graph retained, a copy makes two steps.
    Not this when: a detached state is carried from batch to batch.
    Fails: what is kept where neither model nor loss leads.
    See: torch.Tensor.detach; torch.autograd.backward, `retain_graph`.
    """
    place = "" if trace.failure is None else where(trace.failure.module, trace.failure.line)
    for number, (fact, fix, cure) in enumerate(_ways(trace.name, kept)):
        yield Evidence(Confidence.HINT if number else Confidence.LIKELY, (fact,), place, fix, cure)


def _ways(model: str, kept: KeptGraph) -> Iterator[Way]:
    names = ", ".join(f"`{model}.{name}`" for name in (kept.carried or kept.built)[:3])
    seen, done = Fact("kept from step to step with its graph", names or "beside the model", "detached"), f"{names or 'it'} detached"
    if kept.carried:
        yield seen, Fix(f"Detach {names} before it is kept.", kept.detached, done), state_detached
    elif kept.built:
        code = "\n".join(f"{model}.{name} = {model}.{name}.detach()   # or compute it in `forward`" for name in kept.built)
        fix = Fix(f"Compute {names} in `forward`, or detach it if nothing there is to be learned.", code, done)
        yield Fact("computed from weights once, and kept", names, "computed in each pass"), fix, state_detached
    elif kept.elsewhere:
        yield seen, Fix("Detach what is kept.", "state = state.detach()", done), state_detached
    if kept.calls:
        code = f"torch.autograd.{kept.calls}(..., retain_graph=True)   # {kept.within.place}"
        fix = Fix("Hold the graph: the loss is differentiated after it.", code, "the graph held")
        yield Fact("differentiated within the step", kept.within.source or kept.calls, "with retain_graph=True"), fix, graph_retained


class _Stateful(nn.Module):
    def __init__(self, detached: bool):
        super().__init__()
        self.memory, self.head, self.state, self.detached = nn.GRU(4, 24, batch_first=True), nn.Linear(24, 3), None, detached

    def forward(self, x: Tensor) -> Tensor:
        steps, state = self.memory(x, self.state)
        self.state = state.detach() if self.detached else state
        return self.head(steps[:, -1])


def _program(detached: bool) -> Subject:
    torch.manual_seed(0)
    net = _Stateful(detached)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), courses())


@double_backward.bad
def carries_its_graph() -> Subject:
    return _program(detached=False)


@double_backward.good
def carries_a_detached_state() -> Subject:
    return _program(detached=True)
