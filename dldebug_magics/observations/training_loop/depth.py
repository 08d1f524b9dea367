"""How the gradient changes along a model that the loop trains, from its last weights back to its first."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import NamedTuple

from ...instruments.watch.census import Weight
from ...instruments.watch.chains import Chain
from ...instruments.watch.events import Backward, Forward
from ...instruments.watch.updates import Clip, Stepped
from . import TrainingLoop
from .reading import stepping

_DEEP = 4  # weights on the way
_GROWN = 1e3
_USES = 6  # of a weight or of weights, on the way
_MOST = 0.5  # of the growth in one step
_CLIPPED = 0.5  # left of the gradient
_FADED, _LOOKS = 1e-4, 10


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


def grown(loop: TrainingLoop) -> Iterator[tuple[Backward, Chain]]:
    """The passes along which the gradient grew little by little, while the loss was no more than twice its first; none if it is clipped."""
    if any(e.limit < e.norm for e in loop.of(Clip)) or any(e.factor < _CLIPPED for e in loop.of(Stepped)):
        return
    passes = [e for e in loop.of(Backward) if e.chains]
    for event in passes:
        if event.loss <= 2 * passes[0].loss:
            yield from ((event, c) for c in event.chains if c.growth > _GROWN and c.uses >= _USES and c.leap < _MOST)


class Faded(NamedTuple):
    """A model's first weight whose gradient faded while the loop ran: its norm in the first passes and in the last that were looked at."""

    weight: Weight
    early: float
    late: float


def faded(loop: TrainingLoop) -> Iterator[Faded]:
    """Where each batch's gradient is next to nothing in the end, though it was not at first. At a minimum, single batches' are not."""
    batches = {e.content for e in loop.of(Forward) if e.grad and e.content}
    if len(stepping(loop)) != 1 or any(s.facts.enabled for s in loop.scalers) or len(batches) < _LOOKS // 2:
        return
    for _, model in loop.census:
        weights = [w for w in model if len(w.shape) > 1 and w.trainable and w.held and len(w.gradients) >= _LOOKS]
        for weight in weights[:1]:
            early, late = statistics.median(weight.gradients[:3]), max(weight.gradients[-2:])
            if late < _FADED * early:
                yield Faded(weight, early, late)
