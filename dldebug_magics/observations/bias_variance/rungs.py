"""A level in plain numbers, for the report and the checks; and how much of a term is worth a change."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ...instruments.evaluation.bootstrap import Interval
from .decomposition import Level, Term

BEST = {"error": 0.0, "top": 0.0, "rmse": 0.0, "mae": 0.0, "f1": 1.0, "iou": 1.0, "auroc": 1.0}  # which no model can beat
_SOME, _MUCH = 0.02, 0.1  # of a metric between 0 and 1
SOME_OF, MUCH_OF = 0.1, 0.3  # of the worst value, for other metrics


@dataclasses.dataclass(frozen=True)
class Rung:
    """One level: its rung, what the user calls it, the value with its interval (None: given, not measured), and what was read."""

    role: str
    given: str
    value: float
    interval: Interval | None
    samples: int
    total: int | None
    complete: bool


def rung(level: Level) -> Rung:
    """A level without its draws."""
    return Rung(level.role, level.given, level.value, level.interval, level.samples, level.total, level.complete)


def matters(term: Term, rungs: Sequence[Rung], is_share: bool) -> str:
    """Whether "much", "some" or nothing (empty): over-fitting by a percent or two is how learning looks."""
    return worth(term.value, max((abs(found.value) for found in rungs), default=0.0), is_share)


def worth(change: float, worst: float, is_share: bool) -> str:
    """Whether a change of the metric is worth another program, next to the `worst` value seen.

    >>> worth(0.32 - 0.30, 0.32, True), worth(0.3, 0.5, False), worth(0.01, 0.5, True)
    ('some', 'much', '')
    """
    some, much = (_SOME, _MUCH) if is_share else (SOME_OF * worst, MUCH_OF * worst)
    size = round(change, 9)  # 0.32 - 0.30 is a little less than 0.02
    return "much" if size >= much else "some" if size >= some else ""
