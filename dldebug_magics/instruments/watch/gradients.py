"""The gradients that an optimizer steps with: whether an earlier step has used them, and whether the passes since then account for them.

Always on is one glance at one small parameter of each optimizer. At close looks a copy of the gradients is taken before each backward pass:
what it added is the fresh gradient of this batch on these weights, without a second pass and without touching `.grad` or random numbers.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch

from ..source_lines import Line
from . import norms
from .held import Held, mark, probe
from .log import Log
from .updates import Stepped
from .weights import Weights, parameters


class Gradients:
    """Asked by the doors of backward passes and of optimizers, before and after each."""

    def __init__(self, log: Log):
        self.log = log
        self.held: dict[int, Held] = {}
        self.known: dict[int, Held] = {}  # the same, by the identity of the optimizer
        self.marks: dict[int, tuple[int, int] | None] = {}
        self.weights = Weights(log)

    def follow(self, number: int, optimizer: Any) -> Held:
        """The state of an optimizer; those that are gone are forgotten."""
        held = self.held.get(number)
        if held is None or held.optimizer() is not optimizer:
            self.held = {n: h for n, h in self.held.items() if h.optimizer() is not None}
            held = self.held[number] = Held(weakref.ref(optimizer), number)
            self.known = {id(h.optimizer()): h for h in self.held.values()}
        return held

    def before_backward(self) -> None:
        """A glance at each probe: was its gradient used by a step, and is it still there?"""
        self.weights.before_backward()
        for number, held in self.held.items():
            self.marks[number] = mark(held.probe)
            if held.mark is not None and (held.mark != self.marks[number] or not bool(held.probe.grad.any())):  # type: ignore[union-attr]
                held.mark = None
            if held.mark is None and self.marks[number] is None:
                held.stale = False
        if self.log.close:
            for held in self.held.values():
                held.begin(parameters(held.optimizer()))

    def after_backward(self, count: bool) -> int:
        """What the pass has added; returns to how many of the parameters that were looked at, -1 where they are not counted."""
        for number, held in self.held.items():
            if mark(held.probe) != self.marks.get(number):
                held.stale = held.stale or held.mark is not None
                held.mark = None
            held.passes += 1
        if not self.log.close:
            return -1
        reached = [held.add(count) for held in self.held.values()]
        return sum(reached) if count else -1

    def before_step(self, number: int, optimizer: Any, closure: bool) -> None:
        """The gradients as the step will use them."""
        held = self.follow(number, optimizer)
        held.closure = closure
        if not closure:
            self._look(held, optimizer)

    def _look(self, held: Held, optimizer: Any) -> None:
        if held.probe is None or held.probe.grad is None:
            held.probe = probe(parameters(optimizer))
        held.empty = held.probe is None or held.probe.grad is None
        held.look = {}
        if held.fresh is None:
            held.chosen = norms.some(parameters(optimizer)) if self.log.close else []
        if self.log.close and not held.empty and held.chosen:
            gradient, held.weights = norms.gradients(held.chosen), norms.row(held.chosen)
            held.look = norms.compared(torch.zeros_like(held.weights) if gradient is None else gradient, held.weights, held.fresh)
            held.empty = held.look["gradient"] == 0

    def after_step(self, number: int, optimizer: Any, line: Line) -> Stepped:
        """The step with what was seen of it; the gradients count as used from here on."""
        held = self.follow(number, optimizer)
        if held.closure:
            self._look(held, optimizer)
            held.look.pop("residual", None), held.look.pop("factor", None)
            held.weights = None
        if held.weights is not None:
            held.look["update"] = norms.distance(norms.row(held.chosen), held.weights)
        rate, moved = float(optimizer.param_groups[0]["lr"]), self.weights.after_step(number, optimizer)
        step = Stepped(number, line, rate, held.passes, held.closure, held.stale, held.empty, moved, **held.look)
        held.stale, held.empty, held.passes, held.look = False, False, 0, {}
        held.chosen, held.fresh, held.weights = [], None, None
        held.mark = mark(held.probe)
        return step

    def stepped(self, optimizer: Any) -> None:
        """A step that is not looked at: its gradients count as used, all the same."""
        held = self.known.get(id(optimizer))
        if held is None or held.optimizer() is not optimizer:
            held = self.follow(self.log.optimizers.number(optimizer), optimizer)
        grad = None if held.probe is None else held.probe.grad
        held.mark = None if grad is None else (id(grad), grad._version)
        held.passes, held.stale = 0, False
        self.weights.stepped(held.number)
