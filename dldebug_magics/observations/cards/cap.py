"""A cap on the loss itself: losses above it are cut down to it, and a constant has no slope.

Looked for on the way from the loss down through means, sums, signs and factors only: a clamp further inside, on probabilities or ratios, is
another thing. Where the way passes a minus sign, it is the lower bound that cuts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.edits import Edit
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import Call, Calls
from ...instruments.ready_edits import left_out
from ...instruments.source_edits import without_call
from ...instruments.source_lines import where

_CAPS = frozenset("clamp clip clamp_max clamp_min minimum maximum min max".split())
_SCALING = tuple(f"{name}Backward" for name in "Mean Sum Nansum Neg Div Mul Add Sub Rsub View UnsafeView Squeeze Unsqueeze Select".split())


@dataclasses.dataclass(frozen=True)
class CapCard(Observation):
    """One cap: the call, its bound, the share of losses beyond it, their part of the whole, whether it is all; and the line without it."""

    name: str
    index: int
    bound: float
    share: float
    part: float
    alone: bool
    where: str
    taken_out: str
    edits: tuple[Edit, ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[CapCard]:
        """One forward pass and loss; nothing where the loss has no cap."""
        seeded(subject.seed)
        with torch.enable_grad(), Calls(_CAPS, subject.model) as calls:
            loss = loss_of(subject).loss
        made = {call.node: call for call in calls.made if call.node is not None}
        for node, sign, alone in _below(loss.grad_fn):
            call = made.get(node)
            if call is not None:
                yield from cls._of(call, sign, alone)
                return

    @classmethod
    def _of(cls, call: Call, sign: int, alone: bool) -> Iterator[CapCard]:
        values, bound = _capped(call, sign)
        if values is None or bound is None:
            return
        beyond = values > bound if sign > 0 else values < bound
        result = call.result.detach().abs().double()
        part = float(result[beyond].sum() / result.sum().clamp(min=1e-12))
        height = float(torch.as_tensor(bound).double().mean())
        place, share = where(call.module, call.line), float(beyond.double().mean())
        without = without_call(call.line.source, call.name) or f"{call.line.source}   # without {call.name}"
        edits = left_out(call.line.spot, call.name) if call.name.startswith("cl") else ()
        yield cls(call.name, call.index, height, share, part, alone, place, without, edits)


def _below(root: Any) -> Iterator[tuple[Any, int, bool]]:
    """The nodes from the loss down, as far as they only scale and add: each with the sign it has there, and whether it is the only term."""
    pending, seen = [(root, 1, True)], set()
    while pending:
        node, sign, alone = pending.pop()
        if node is None or (node, sign, alone) in seen:
            continue
        seen.add((node, sign, alone))
        yield node, sign, alone
        parents = [parent for parent, _ in node.next_functions if parent is not None]
        name = type(node).__name__
        if not name.startswith(_SCALING) or (len(parents) > 1 and name.startswith(("Mul", "Div"))):
            continue
        for place, parent in enumerate(parents):
            turned = name.startswith(("Neg", "Rsub")) or (name.startswith("Sub") and place == 1)
            pending.append((parent, -sign if turned else sign, alone and len(parents) == 1))


def _capped(call: Call, sign: int) -> tuple[Tensor | None, Any]:
    """What goes into a cap, and the bound on its costly side; None where it has no such bound, or chooses between two that learn."""
    two = [*call.arguments[:2], *call.keywords.values()][:2]
    if call.name in ("minimum", "maximum", "min", "max"):
        learning = [a for a in two if isinstance(a, Tensor) and a.requires_grad]
        rest = [a for a in two if isinstance(a, Tensor) and not a.requires_grad]
        if len(learning) != 1 or len(rest) != 1 or (sign > 0) is not call.name.startswith("min"):
            return None, None
        return learning[0].detach(), rest[0].detach()
    given = call.argument(0, "input")
    names = {"clamp_max": (1, "max"), "clamp_min": (1, "min")}.get(call.name, (2, "max") if sign > 0 else (1, "min"))
    wrong_side = call.name == ("clamp_min" if sign > 0 else "clamp_max")
    return (None, None) if wrong_side or not isinstance(given, Tensor) else (given.detach(), call.argument(*names))
