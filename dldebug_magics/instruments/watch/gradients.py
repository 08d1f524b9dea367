"""The gradients that an optimizer steps with: whether an earlier step has used them, and whether the passes since then account for them.

Always on is one glance at one small parameter of each optimizer. At close looks a copy of the gradients is taken before each backward pass:
what it added is the fresh gradient of this batch on these weights, without a second pass and without touching `.grad` or random numbers.
"""

from __future__ import annotations

import dataclasses
import weakref
from typing import Any

import torch
from torch import Tensor

from ..source_lines import Line
from . import norms
from .log import Log
from .updates import Stepped
from .weights import Weights, parameters


@dataclasses.dataclass
class _Held:
    """One optimizer's gradients. `probe` is the small parameter that is glanced at; `mark` is its gradient as the last step left it."""

    optimizer: weakref.ref
    probe: Tensor | None = None
    mark: tuple[int, int] | None = None
    stale: bool = False
    empty: bool = False
    closure: bool = False
    passes: int = 0
    fresh: dict[int, Tensor] = dataclasses.field(default_factory=dict)
    weights: list[tuple[Tensor, Tensor]] = dataclasses.field(default_factory=list)
    look: dict[str, float] = dataclasses.field(default_factory=dict)


class Gradients:
    """Asked by the doors of backward passes and of optimizers, before and after each."""

    def __init__(self, log: Log):
        self.log = log
        self.held: dict[int, _Held] = {}
        self.before: dict[int, tuple[Tensor, Tensor | None]] = {}
        self.marks: dict[int, tuple[int, int] | None] = {}
        self.weights = Weights(log)

    def follow(self, number: int, optimizer: Any) -> _Held:
        """The state of an optimizer; those that are gone are forgotten."""
        held = self.held.get(number)
        if held is None or held.optimizer() is not optimizer:
            self.held = {n: h for n, h in self.held.items() if h.optimizer() is not None}
            held = self.held[number] = _Held(weakref.ref(optimizer))
        return held

    def before_backward(self) -> None:
        """A glance at each probe: was its gradient used by a step, and is it still there?"""
        self.weights.before_backward()
        for number, held in self.held.items():
            self.marks[number] = _mark(held.probe)
            if held.mark is not None and (held.mark != self.marks[number] or not bool(held.probe.grad.any())):  # type: ignore[union-attr]
                held.mark = None
            if held.mark is None and self.marks[number] is None:
                held.stale = False
        if self.log.close:
            owners = [held.optimizer() for held in self.held.values()]
            self.before = {
                id(p): (p, None if p.grad is None else p.grad.detach().clone())
                for p in norms.some(p for owner in owners for p in parameters(owner))
            }

    def after_backward(self) -> int:
        """What the pass has added; returns to how many of the parameters that were looked at, -1 where they were not."""
        for number, held in self.held.items():
            if _mark(held.probe) != self.marks.get(number):
                held.stale = held.stale or held.mark is not None
                held.mark = None
            held.passes += 1
        if not self.log.close:
            return -1
        added = {key: norms.difference(p.grad, old) for key, (p, old) in self.before.items() if p.grad is not None}
        for held in self.held.values():
            for key in map(id, parameters(held.optimizer())):
                if key in added:
                    held.fresh[key] = held.fresh[key] + added[key] if key in held.fresh else added[key]
        self.before = {}
        return sum(bool(gradient.any()) for gradient in added.values())

    def before_step(self, number: int, optimizer: Any, closure: bool) -> None:
        """The gradients as the step will use them."""
        held = self.follow(number, optimizer)
        held.closure = closure
        if not closure:
            self._look(held, optimizer)

    def _look(self, held: _Held, optimizer: Any) -> None:
        if held.probe is None or held.probe.grad is None:
            held.probe = _probe(optimizer)
        held.empty = held.probe is None or held.probe.grad is None
        held.look = {}
        if self.log.close and not held.empty:
            chosen = norms.some(parameters(optimizer))
            held.weights = [(p, p.detach().clone()) for p in chosen]
            held.look = norms.compared(chosen, held.fresh)
            held.empty = held.look["gradient"] == 0

    def after_step(self, number: int, optimizer: Any, line: Line) -> Stepped:
        """The step with what was seen of it; the gradients count as used from here on."""
        held = self.follow(number, optimizer)
        if held.closure:
            self._look(held, optimizer)
            held.look.pop("residual", None), held.look.pop("factor", None)
            held.weights = []
        if held.weights:
            held.look["update"] = norms.norm([p.detach() - old for p, old in held.weights])
        rate, moved = float(optimizer.param_groups[0]["lr"]), self.weights.after_step(number, optimizer)
        step = Stepped(number, line, rate, held.passes, held.closure, held.stale, held.empty, moved, **held.look)
        held.stale, held.empty, held.passes, held.look, held.fresh, held.weights = False, False, 0, {}, {}, []
        held.mark = _mark(held.probe)
        return step

    def stepped(self, number: int, optimizer: Any) -> None:
        """A step that is not looked at: its gradients count as used, all the same."""
        held = self.follow(number, optimizer)
        held.mark, held.passes, held.stale = _mark(held.probe), 0, False
        self.weights.stepped(number)


def _probe(optimizer: Any) -> Tensor | None:
    """The smallest parameter that has a gradient."""
    given = [p for p in parameters(optimizer) if p.grad is not None and p.grad.layout is torch.strided]
    return min(given, key=torch.numel, default=None)


def _mark(probe: Tensor | None) -> tuple[int, int] | None:
    """Which gradient a parameter has, and how often it was written to."""
    grad = None if probe is None else probe.grad
    return None if grad is None else (id(grad), grad._version)
