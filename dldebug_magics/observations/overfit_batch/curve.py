"""The shape of a loss curve on one frozen batch, in the guide's words: falls to its floor, goes up, explodes, oscillates, plateaus.

Losses are measured as excess over the attainable floor in units of the chance loss (that of the best constant output), so that cross
entropy in nats and squared errors in dollars read alike. Where floor or chance is unknown the curve is held against its own start.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Sequence
from statistics import median

REACHED = 0.01  # of the scale above the floor: the run may stop
HEALTHY = 0.1  # of the scale above the floor: the batch is memorised
TAIL = 10
BLOWN_UP = 1e6  # times the first loss
_SLIGHT = 1e-6  # of the first loss: a smaller chance loss says that one output suits all samples


class Shape(enum.Enum):
    """What the loss did. `FALLING` is on its way and needs more steps; `UNDECIDED` had too few of them to tell."""

    FELL = "falls to its floor"
    FALLING = "is still falling"
    UP = "goes up"
    EXPLODES = "explodes"
    OSCILLATES = "oscillates"
    PLATEAUS = "plateaus"
    CRASHED = "crashed"
    UNDECIDED = "was cut short"


@dataclasses.dataclass(frozen=True)
class Floor:
    """What the loss can reach at best and by chance.

    value: the attainable floor, `-inf` where the loss has none, None where it is not known. chance: the loss of the best constant output.
    mirrored: whether the negated loss has a floor though the loss itself has none, the mark of a flipped sign.
    """

    value: float | None = None
    chance: float | None = None
    mirrored: bool = False

    @property
    def known(self) -> bool:
        """Whether there is a floor to hold a loss against."""
        return self.value is not None and math.isfinite(self.value)

    def scale(self, first: float) -> float:
        """The unit in which the excess is counted."""
        if self.value is None or not math.isfinite(self.value):
            return max(abs(first), 1e-12)
        start = abs(first - self.value) if math.isfinite(first) else 0.0
        chance = self.chance - self.value if self.chance is not None and math.isfinite(self.chance) else 0.0
        return max(chance if chance > _SLIGHT * start else 0.05 * start, 1e-12)

    def excess(self, loss: float, first: float) -> float:
        """How far a loss stands above the floor, in units of the scale; 0 is the floor, 1 is chance."""
        return (loss - (self.value if self.value is not None and math.isfinite(self.value) else 0.0)) / self.scale(first)

    def of_chance(self, loss: float) -> float:
        """How far a loss stands above the floor, in units of what chance does; 0 where that is not known.

        >>> Floor(1.0, 3.0).of_chance(21.0), UNKNOWN.of_chance(21.0)
        (10.0, 0.0)
        """
        if self.value is None or self.chance is None or not 1e-12 < self.chance - self.value < math.inf:
            return 0.0
        return (loss - self.value) / (self.chance - self.value)


UNKNOWN = Floor()


def last(losses: Sequence[float]) -> float:
    """The loss at the end, as the median of the last ten.

    >>> last([5.0] * 5 + [1.0] * 10)
    1.0
    """
    return median(losses[-TAIL:]) if losses else math.nan


def shape(losses: Sequence[float], floor: Floor) -> Shape:
    """The shape of a curve.

    >>> shape([2.3 * 0.9**i for i in range(100)], Floor(0.0, 2.3)).value
    'falls to its floor'
    >>> shape([2.3] * 100, Floor(0.0, 2.3)).value
    'plateaus'
    """
    if exploded(losses, floor):
        return Shape.EXPLODES
    first, end = losses[0], last(losses)
    if floor.value is None or not math.isfinite(floor.value):
        return _without_floor(losses, floor)
    start, now = floor.excess(first, first), floor.excess(end, first)
    if now <= HEALTHY:
        return Shape.FELL
    if now > 50 * max(start, 1.0):
        return Shape.EXPLODES
    if now > start + 0.1 * max(start, 1.0):
        return Shape.UP
    if oscillates(losses, floor):
        return Shape.OSCILLATES
    return Shape.FALLING if falling(losses, floor) else Shape.PLATEAUS


def exploded(losses: Sequence[float], floor: Floor) -> bool:
    """Whether the loss is no number, or a million times what it was."""
    return any(not math.isfinite(v) for v in losses) or losses[-1] > BLOWN_UP * max(abs(losses[0]), floor.scale(losses[0]))


def _without_floor(losses: Sequence[float], floor: Floor) -> Shape:
    """No floor to hold the curve against: a flipped sign runs away downwards; any other loss passes if it went down."""
    if floor.mirrored:
        return Shape.UP
    first, end = losses[0], last(losses)
    if end > first + 50 * abs(first):
        return Shape.EXPLODES
    if end > first + 0.1 * abs(first):
        return Shape.UP
    return Shape.FELL if end < first - 0.05 * abs(first) else Shape.PLATEAUS


def oscillates(losses: Sequence[float], floor: Floor) -> bool:
    """Whether the second half swings up and down by much of its own height."""
    half = list(losses[len(losses) // 2 :])
    if len(half) < TAIL:
        return False
    ordered, first = sorted(half), losses[0]
    swing = (ordered[int(0.9 * len(half))] - ordered[int(0.1 * len(half))]) / floor.scale(first)
    turns = sum((b - a) * (c - b) < 0 for a, b, c in zip(half, half[1:], half[2:], strict=False)) / len(half)
    level = floor.excess(median(half), first)
    return turns > 0.2 and swing > 0.1 and swing > 0.3 * level and not _trend(half, floor, first) < 0.7


def falling(losses: Sequence[float], floor: Floor) -> bool:
    """Whether the last third took a tenth off the excess: not there yet, but on the way."""
    return _trend(losses[-max(3 * TAIL, len(losses) // 3) :], floor, losses[0]) < 0.9


def _trend(part: Sequence[float], floor: Floor, first: float) -> float:
    """The excess at the end of a part over that at its beginning."""
    before, after = floor.excess(median(part[:TAIL]), first), floor.excess(median(part[-TAIL:]), first)
    return after / before if before > 0 else 1.0
