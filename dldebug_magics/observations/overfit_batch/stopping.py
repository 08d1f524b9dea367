"""When a run has shown enough."""

from __future__ import annotations

import math

from .curve import BLOWN_UP, REACHED, Floor, Shape, falling, last, shape

PAUSE = 0.05  # seconds between two partial observations
_LONGEST = 3  # times the asked-for steps, while the loss is still on its way


def third_of(steps: int) -> int:
    """The step at which a race is looked at."""
    return max(steps // 3, 20)


def decided(losses: list[float], floor: Floor, steps: int) -> bool:
    """Whether the verdict is clear: at the floor, blown up, or a full run that no longer falls."""
    first, now, count = losses[0], losses[-1], len(losses)
    if not math.isfinite(now) or abs(now) > BLOWN_UP * max(abs(first), floor.scale(first)):
        return True
    if floor.value is not None and math.isfinite(floor.value) and count >= 10 and floor.excess(last(losses), first) <= REACHED:
        return True
    if count < steps:
        return False
    on_its_way = count % max(steps // 2, 1) or (
        floor.value is not None and shape(losses, floor) is Shape.FALLING and falling(losses, floor)
    )
    return count >= _LONGEST * steps or not on_its_way
