"""Parts of the models that a loop trains which could be trained, are held by an optimizer, and are at the end what they were at first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...instruments.watch.census import Weight
from . import TrainingLoop

_LOOKS = 10  # passes


class Still(NamedTuple):
    """Weights of a model that never moved. `why`: "rate" (a learning rate of 0), "cut" (no gradient, though their layers ran), or "zero"
    (a gradient of exactly 0 in every pass)."""

    model: int
    why: str
    weights: tuple[Weight, ...]


def never_moved(loop: TrainingLoop) -> Iterator[Still]:
    """Those that nobody can have meant, while others move: new weights in front, new ones without a rate, and products of zeros."""
    if not any(w.moved for _, weights in loop.census for w in weights):
        return
    for number, weights in loop.census:
        for why in ("rate", "cut", "zero"):
            part = [w for w in weights if _why(w) == why]
            if part and _is_a_fault(why, part, weights):
                yield Still(number, why, tuple(part))


def _why(weight: Weight) -> str:
    """Why it stands still; empty where it does not, or where that is meant or has another name."""
    seen = weight.missing + len(weight.gradients)
    if weight.moved or not weight.trainable or not weight.held or weight.unread or seen < _LOOKS:
        return ""
    if any(weight.gradients):
        return "rate" if weight.rate == 0 else ""
    return "zero" if weight.gradients else "cut" if weight.ran.place else ""


def _is_a_fault(why: str, part: list[Weight], weights: tuple[Weight, ...]) -> bool:
    matrices = [w for w in weights if len(w.shape) > 1]
    first = matrices[0] if matrices and matrices[0] in part and matrices[0].untrained else None
    if why == "rate":
        return any(w.untrained for w in part)
    if why == "cut":
        return first is not None
    if not any(w.moved for w in weights):  # its loss counts for nothing yet
        return False
    twin = first is not None and any(w.moved and w.shape == first.shape for w in matrices)
    return (first is not None and not twin) or sum(w.size == 0 and len(w.shape) > 1 for w in part) > 1
