"""One kind of healthy program: how to build it, its sound rates, and the loss it can reach."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from dldebug_magics.engine.subject import Subject

Schedule = Callable[[Any], Any]


@dataclasses.dataclass(frozen=True)
class Kind:
    """`floor` is the lowest loss that can be reached on the batch, None where nobody knows; `schedule` makes a scheduler."""

    build: Callable[[], Subject]
    rates: dict[str, float]
    floor: float | None = 0.0
    schedule: Schedule | None = None


def healthy(
    *, sgd: float, adam: float, rmsprop: float | None = None, floor: float | None = 0.0, schedule: Schedule | None = None
) -> Callable[[Callable[[], Subject]], Kind]:
    """Make a function a kind, with its rates for SGD with momentum, for Adam and AdamW, and for RMSprop (a third of Adam's)."""
    rates = {"SGD": sgd, "Adam": adam, "AdamW": adam, "RMSprop": rmsprop or adam / 3}
    return lambda build: Kind(build, rates, floor, schedule)
