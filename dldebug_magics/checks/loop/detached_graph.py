from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.source_lines import Line
from ...instruments.watch.events import Backward
from ...observations.training_loop import TrainingLoop, rewritten
from ...observations.training_loop.reading import at, nearer, stepped_apart
from ..small_loops import task


@check(severity=Severity.ERROR)
def detached_graph(loop: TrainingLoop) -> Iterator[Evidence]:
    """The loss that the loop calls `backward` on has no graph behind it.

    `.item()`, `.data`, `.detach()`, `torch.tensor(loss)`, a trip through numpy, an argmax or `no_grad` cuts it off from the model; a
    `requires_grad=True` on top silences the error, and nothing is learnt.

    Shows as: a loss that stays where it began; or "element 0 of tensors does not require grad".
    Proven by: the loss itself: a leaf, made from numbers and not from the model's output, so that its gradient ends in it.
    Not this when: another loss of the same step has a graph; a tensor of its own is trained, such as an input.
    Fails: a graph that is cut inside the model is found by `%overfit_batch`.
    See: torch.Tensor.detach; torch docs, "Autograd mechanics"; FSDL, "common bugs".
    """
    passes = [e for e in loop.of(Backward) if e.terms or e.leaf or e.detached]
    cut = [e for e in passes if e.leaf or e.detached]
    others = [e for e in passes if e not in cut]
    if not cut or ((loop.moved or len(cut) < 0.9 * len(passes)) and not stepped_apart(loop, cut, others)):
        return
    last = cut[-1]
    made = next((e.made for e in cut if e.made.place), Line())
    seen = "none: it is a number on its own" if last.leaf else "none: the backward pass raised"
    fact = Fact("backward passes of this kind", f"{len(cut)} of {len(passes)} looked at", "0")
    facts = (Fact("graph behind the loss", seen, "the operations of the model"), fact)
    sentence, code = "Compute the loss from the model's output as it is, and call backward on it.", "loss = loss_fn(output, target)"
    fix = Fix(sentence, f"{code}\nloss.backward()", edits=rewritten.attached(last.line))
    yield Evidence(Confidence.PROVEN, facts, at(nearer(loop, last.line, made)), fix)


@detached_graph.bad
def made_anew() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                loss = torch.tensor(nn.functional.cross_entropy(net(x), y).item(), requires_grad=True)
                loss.backward()
                optimizer.step()

    return train


@detached_graph.good
def as_it_is() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()

    return train
