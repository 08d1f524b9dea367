from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...observations.training_loop import TrainingLoop, rewritten
from ...observations.training_loop.reading import at
from ..small_loops import task

_STEPS = 4


@check(severity=Severity.WARNING)
def loss_history_leak(loop: TrainingLoop) -> Iterator[Evidence]:
    """A variable of the loop keeps the graphs of past losses alive, and memory grows with each step.

    `total += loss` adds a tensor with its graph to a tensor with all graphs before it; a list of losses keeps each of them. The
    number alone is wanted.

    Shows as: memory that grows step by step, until it runs out after hours.
    Proven by: the variable itself: behind it stand the losses of earlier steps, whose backward passes were over long ago.
    Not this when: losses are added up first and one backward pass follows; the number is taken with `.item()` or `.detach()`.
    Fails: what is kept in a module's global, a closure of another function or a container in a container is not found.
    See: torch docs, FAQ, "My model reports cuda runtime error: out of memory": don't accumulate history across your training loop.
    """
    kept = [holder for holder in loop.holders if holder.steps >= _STEPS]
    if not kept:
        return
    last = max(kept, key=lambda holder: (holder.number, holder.steps))
    facts = (
        Fact(f"losses of earlier steps behind `{last.name}`, after step {last.number + 1}", str(last.steps), "0"),
        Fact("their backward passes", "all over", ""),
    )
    code = _repaired(last.line.source)
    yield Evidence(
        Confidence.PROVEN, facts, at(last.line), Fix("Keep the value without its graph.", code, edits=rewritten.without_graph(last.line))
    )


def _repaired(source: str) -> str:
    """The line with the loss off its graph, where it has the usual shape.

    >>> _repaired("total += loss"), _repaired("losses.append(loss)")
    ('total += loss.detach()', 'losses.append(loss.detach())')
    """
    head, plus, added = source.partition("+=")
    if plus and added.strip().isidentifier():
        return f"{head}{plus}{added}.detach()"
    head, call, added = source.partition(".append(")
    return f"{head}{call}{added[:-1]}.detach())" if call and added[:-1].isidentifier() else "total += loss.detach()"


def _program(number: Callable) -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        total = 0.0
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()
                total += number(loss)

    return train


@loss_history_leak.bad
def adds_up_tensors() -> Callable[[], None]:
    return _program(lambda loss: loss)


@loss_history_leak.good
def adds_up_numbers() -> Callable[[], None]:
    return _program(lambda loss: loss.item())
