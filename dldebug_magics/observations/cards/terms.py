"""The terms of the loss one by one: what each is worth, how strongly it pulls, and whether it depends on the weights at all."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.source_lines import Line
from ...instruments.terms import Term, Terms, meant

_NUDGES = 4
_STEPS = tuple(f"{name}Backward" for name in ("Round", "Floor", "Ceil", "Sign", "Trunc"))
_RESTING = tuple(f"{name}Backward" for name in ("Clamp", "Relu", "Maximum", "Minimum", "Where", "Threshold"))  # may have a slope elsewhere


@dataclasses.dataclass(frozen=True)
class LossTerm:
    """One term: its value now and with all weights nudged, the norm of its gradient, and what cut it off or makes steps of it."""

    value: float
    nudged: float
    gradient: float
    cut: str
    meant: bool
    line: Line

    @property
    def idle(self) -> bool:
        """Whether it depends on the weights, teaches them nothing, and was not told so."""
        moves = not math.isclose(self.value, self.nudged, rel_tol=1e-6, abs_tol=1e-12) and math.isfinite(self.nudged)
        return moves and self.gradient == 0 and bool(self.cut) and not self.meant


@dataclasses.dataclass(frozen=True)
class TermsCard(Observation):
    """The loss's terms in their order, where it is a sum of several."""

    terms: tuple[LossTerm, ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[TermsCard]:
        """A forward pass and a backward pass for each term; then passes with nudged weights, until all terms have moved."""
        parameters = [p for p in subject.model.parameters() if p.requires_grad]
        now = _terms(subject)
        if len(now) < 2 or not parameters:
            return
        gradients = [_gradient(term, parameters) for term in now]
        then = _moved(subject, now, parameters)
        if len(then) == len(now):
            rows = zip(now, then, gradients, strict=True)
            yield cls(tuple(LossTerm(a.value, b.value, g, a.cut or _steps(a), meant(a.cut), a.line) for a, b, g in rows))


def _moved(subject: Subject, now: list[Term], parameters: list[Tensor]) -> list[Term]:
    """The terms with other weights: a step function may rest at one nudge and move at the next, which goes another way."""
    then, found = [], [p.detach().clone() for p in parameters]
    for number in range(_NUDGES):
        seeded(subject.seed + number)
        for p, values in zip(parameters, found, strict=True):
            turn = torch.empty_like(p).uniform_(0.5, 1.5) if number == 0 else torch.randn_like(p)
            p.data.copy_(values + turn * (values.abs().mean() + 0.1))
        then = _terms(subject)
        if len(then) != len(now) or all(a.value != b.value for a, b in zip(now, then, strict=True)):
            break
    return then


def _terms(subject: Subject) -> list[Term]:
    seeded(subject.seed)
    with torch.enable_grad(), Terms() as terms:
        loss = loss_of(subject).loss
    return terms.of(loss)


def _gradient(term: Term, parameters: list[Tensor]) -> float:
    if term.graph is None:
        return 0.0
    found = torch.autograd.grad(term.graph, parameters, retain_graph=True, allow_unused=True)
    return math.hypot(*(float(g.float().norm()) for g in found if g is not None))


def _steps(term: Term) -> str:
    """The rounding that makes a term flat; empty where there is none, or something behind it may be the reason."""
    pending: list[Any] = [term.graph.grad_fn if term.graph is not None else None]
    steps: list[str] = []
    seen: set[Any] = {None}
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        name = type(node).__name__
        if name.startswith(_RESTING):
            return ""
        if name.startswith(_STEPS):
            steps.append(name.partition("Backward")[0].lower())
        else:
            pending.extend(parent for parent, _ in node.next_functions)
    return steps[0] if steps else ""
