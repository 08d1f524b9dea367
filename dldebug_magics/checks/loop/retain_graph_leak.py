from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward
from ...observations.training_loop import TrainingLoop, rewritten
from ...observations.training_loop.reading import at, stepping
from ..small_loops import task

_PASSES = 4


@check(severity=Severity.WARNING)
def retain_graph_leak(loop: TrainingLoop) -> Iterator[Evidence]:
    """Every backward pass keeps its graph, and no later pass uses it.

    `retain_graph=True` was put in to silence an error, and keeps all activations until the loss is computed anew: the memory of two steps
    instead of one. It also hides that a later step reaches back into an earlier one.

    Shows as: nothing in the loss; twice the memory that a step needs.
    Proven by: the graphs in the order of their making: none reaches back behind the loss of the pass before.
    Not this when: two passes share a graph (two losses, a generator and its judge); the gradient itself is differentiated.
    Fails: a graph that is used again by `torch.autograd.grad` only is not seen.
    See: torch.Tensor.backward, `retain_graph`: "in nearly all cases setting this option to True is not needed".
    """
    passes = [e for e in loop.of(Backward) if e.terms and not e.failed]
    known = [e for e in passes[1:] if e.oldest >= 0]
    alone = len(stepping(loop)) == 1 and len({e.line for e in passes}) == 1
    if not alone or len(known) < _PASSES or not all(e.retain for e in passes) or any(e.oldest <= e.before for e in known):
        return
    line = passes[-1].line
    facts = (
        Fact("backward passes that keep their graph", f"{len(passes)} of {len(passes)} looked at", "those whose graph is used again"),
        Fact("passes that used a graph again", f"0 of {len(known)}", ""),
    )
    code, edits = rewritten.without_argument(line, "retain_graph=True")
    yield Evidence(Confidence.PROVEN, facts, at(line), Fix("Leave it out.", code, edits=edits))


def _program(retain: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward(retain_graph=retain)
                optimizer.step()

    return train


@retain_graph_leak.bad
def kept_for_nothing() -> Callable[[], None]:
    return _program(retain=True)


@retain_graph_leak.good
def let_go() -> Callable[[], None]:
    return _program(retain=False)


@retain_graph_leak.good
def two_losses_on_one_graph() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for x, y in batches:
            optimizer.zero_grad()
            output = net(x)
            nn.functional.cross_entropy(output, y).backward(retain_graph=True)
            (1e-3 * output.square().mean()).backward()
            optimizer.step()

    return train
