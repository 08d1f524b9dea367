from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...observations.training_loop import TrainingLoop, rewritten
from ...observations.training_loop.reading import at, stepping, steps_of
from ..small_loops import task


@check(severity=Severity.WARNING)
def freeze_not_effective(loop: TrainingLoop) -> Iterator[Evidence]:
    """Parameters that were to be frozen move all the same.

    `p.require_grad = False` makes a new attribute without a word, and so does `module.requires_grad = False`: a module has only the method
    `requires_grad_`. And a parameter that is frozen while the optimizer still holds it moves on by its momentum and decay, where gradients
    are cleared to zeros.

    Shows as: nothing in the loss, which may even fall faster; the weights move.
    Proven by: the weights, which are others than before the first pass, beside the attribute or a `requires_grad` that is False.
    Not this when: no optimizer holds them (a teacher that follows is moved by hand).
    Fails: statistics of a batch norm that move on are not weights.
    See: torch.nn.Module.requires_grad_; torch, "autograd mechanics", setting requires_grad.
    """
    moved = [(number, w) for number, weights in loop.census for w in weights if w.moved and w.held]
    unread = [(number, w) for number, w in moved if w.unread and w.trainable]
    frozen = [(number, w) for number, w in moved if not (w.trainable or w.thawed)]
    found = unread or frozen
    if not found or not stepping(loop):
        return
    number, first = found[0]
    model = loop.models[number].name or "model"
    names = ", ".join(w.name for _, w in found[:4]) + (", ..." if len(found) > 4 else "")
    seen = f"{model}.{first.unread} = False" if unread else "requires_grad is False"
    how = Fact("what freezes them", seen, f"{model}.requires_grad_(False)")
    facts = (how, Fact("parameters that moved all the same", names, "none of them"))
    last = [step for _, step in steps_of(loop, stepping(loop)[-1])][-1]
    edits, code = rewritten.frozen(last.line, first.unread) if unread else (), f"{model}.requires_grad_(False)   # or the part of it"
    fix = Fix("Freeze them with the method, and leave them out of the optimizer.", code, edits=edits)
    yield Evidence(Confidence.PROVEN, facts, at(last.line), fix)


def _program(effective: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task()
    if effective:
        net[0].requires_grad_(False)
    else:
        net[0].requires_grad = False

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()

    return train


@freeze_not_effective.bad
def attribute_of_a_module() -> Callable[[], None]:
    return _program(effective=False)


@freeze_not_effective.good
def frozen_by_the_method() -> Callable[[], None]:
    return _program(effective=True)
