from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.census import Weight
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, made, stepping, steps_of
from ..small_loops import task


@check(severity=Severity.ERROR)
def optimizer_wrong_params(loop: TrainingLoop) -> Iterator[Evidence]:
    """The optimizer does not hold the parameters that the loop trains.

    A layer was replaced, or the model made anew, after the optimizer was built; or a part was left out of it.

    Shows as: a loss that stays, or stops too high, although every line of the loop is right.
    Proven by: identities: parameters that every pass reaches and no optimizer steps, beside others in it that no pass reaches.
    Not this when: what is left out is frozen, or was trained before; a head learns on random features; weights are moved by hand.
    Fails: an optimizer that is for models of another cell, too, is told only where the shapes agree.
    See: torch.optim, "if you need to move or change a model, do so before constructing optimizers for it".
    """
    weights = [weight for _, model in loop.census for weight in model]
    left = [w for w in weights if w.trainable and not w.held and not w.moved and any(w.gradients) and not w.missing]
    numbers, strangers = stepping(loop), dict(loop.strangers)
    for number in numbers:
        shapes = strangers.get(number, ())
        all_strange = len(shapes) == loop.optimizers[number].facts.parameters
        stale = bool(shapes) and (all_strange or sorted(map(len, shapes)) == sorted(len(w.shape) for w in left))
        if left and (stale or (not shapes and _are_forgotten(weights, left))):
            line, last = made(loop, "optimizer", number), [step for _, step in steps_of(loop, number)][-1]
            yield _evidence(left, len(shapes), loop.named(number), at(line if line.place else last.line))
            return


def _are_forgotten(weights: list[Weight], left: list[Weight]) -> bool:
    """Whether new weights nearer to the loss than some that are trained are left out: random features are in front."""
    held = [place for place, w in enumerate(weights) if w.held and w.moved]
    return any(w.untrained and place > min(held, default=place) for place, w in enumerate(weights) if w in left)


def _evidence(left: list[Weight], strangers: int, optimizer: str, where: str) -> Evidence:
    names = ", ".join(w.name for w in left[:4]) + (", ..." if len(left) > 4 else "")
    facts = (
        Fact("parameters with a gradient in each pass, which no optimizer steps", f"{len(left)}: {names}", "none"),
        Fact(f"tensors in `{optimizer}` that belong to no model here, and that no pass reaches", str(strangers), "0"),
    )
    fix = Fix("Build it from all that is trained, after the last change to the model.", f"{optimizer} = ...(model.parameters(), ...)")
    return Evidence(Confidence.PROVEN if strangers else Confidence.LIKELY, facts, where, fix)


def _program(again: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task()
    net[2] = nn.Linear(24, 4)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05) if again else optimizer

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()

    return train


@optimizer_wrong_params.bad
def head_replaced_afterwards() -> Callable[[], None]:
    return _program(again=False)


@optimizer_wrong_params.good
def optimizer_built_afterwards() -> Callable[[], None]:
    return _program(again=True)
