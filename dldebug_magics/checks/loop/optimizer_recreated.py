from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.totals import Making
from ...observations.training_loop import TrainingLoop, changes
from ...observations.training_loop.reading import at, stepping
from ..small_loops import task

_SAME = 0.5  # of their parameters that two optimizers share at least


@check(severity=Severity.ERROR)
def optimizer_recreated(loop: TrainingLoop) -> Iterator[Evidence]:
    """The optimizer is made anew in the loop, and forgets each time what it had gathered.

    Momentum and Adam's moments start from nothing each time; a schedule holds on to an optimizer that is no longer used.

    Shows as: a loss that jumps at the start of each epoch, or learns as slowly as without momentum.
    Proven by: the loop itself: the same line made an optimizer for the same weights again after each epoch, or each step.
    Not this when: it remembers nothing (SGD without momentum, at one rate); weights were loaded or set by hand before, as in a new fold,
    client or task; it is made once more for another phase.
    Fails: without a DataLoader epochs can't be told, and only an optimizer for each step is.
    See: torch.optim, "Constructing it".
    """
    for line in dict.fromkeys(making.made.line for making in loop.makings if making.made.kind == "optimizer"):
        here = [making for making in loop.makings if making.made.line == line and making.made.kind == "optimizer"]
        again = [(a, b) for a, b in pairwise(here) if _is_same(loop, a, b)]
        turns = 1 + len({*stepping(loop)} - {making.made.number for making in here})  # of other optimizers, which step as often
        each = "step" if all(b.step - a.step <= turns for a, b in again) else "epoch" if _by_epoch(again) else ""
        if len(again) < 2 or len(again) < len(here) - 1 or not each or not loop.optimizers[here[-1].made.number].facts.remembers:
            continue
        facts = (
            Fact("optimizers made for the same weights", f"{len(here)}, one each {each}", "1"),
            Fact("steps between two of them", f"{again[-1][1].step - again[-1][0].step}", "all"),
        )
        fix = Fix("Make the optimizer once, before the loop.", line.source, edits=changes.made_once(loop, line))
        yield Evidence(Confidence.PROVEN, facts, at(line), fix)


def _is_same(loop: TrainingLoop, first: Making, second: Making) -> bool:
    """Whether two optimizers, made one after the other, are for the same weights as the first one left them, and the first one was used."""
    one, other = (loop.optimizers[making.made.number].facts.held for making in (first, second))
    return len(one & other) > _SAME * len(one | other) and not second.made.anew and second.step > first.step


def _by_epoch(again: list[tuple[Making, Making]]) -> bool:
    """Whether between two makings one loader, always the same, was begun once."""
    begun = [{n: times - dict(a.begun).get(n, 0) for n, times in b.begun} for a, b in again]
    return any(all(between.get(loader) == 1 for between in begun) for loader in (begun[0] if begun else ()))


def _program(inside: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task(kind=torch.optim.Adam, rate=1e-2)

    def train(optimizer: torch.optim.Optimizer = optimizer) -> None:
        for _ in range(4):
            optimizer = torch.optim.Adam(net.parameters(), lr=1e-2) if inside else optimizer
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()

    return train


@optimizer_recreated.bad
def in_each_epoch() -> Callable[[], None]:
    return _program(inside=True)


@optimizer_recreated.good
def once() -> Callable[[], None]:
    return _program(inside=False)
