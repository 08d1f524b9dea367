"""How the gradient changes along a model that the loop trains, from its last weights back to its first."""

from __future__ import annotations

import statistics
from typing import NamedTuple

from ...instruments.watch.census import Weight
from . import TrainingLoop

_DEEP = 4  # weights on the way


class Passage(NamedTuple):
    """A model's first and last weight, and the gradient at the first as a share of that at the last, per entry, as a rule."""

    first: Weight
    last: Weight
    share: float
    layers: int


def passages(loop: TrainingLoop) -> list[Passage]:
    """One for each model that is deep enough; none where a gradient is exactly zero, which has other reasons."""
    found = []
    for _, model in loop.census:
        weights = [w for w in model if len(w.shape) > 1 and w.trainable and w.held and w.gradients and all(g > 0 for g in w.gradients)]
        if len(weights) >= _DEEP:
            first, last = weights[0], weights[-1]
            shares = [a / b for a, b in zip(first.gradients, last.gradients, strict=False)]
            found.append(Passage(first, last, statistics.median(shares) * (_entries(last) / _entries(first)) ** 0.5, len(weights)))
    return found


def _entries(weight: Weight) -> int:
    size = 1
    for length in weight.shape:
        size *= length
    return size
