"""What `%improve` found, in plain numbers: each change that was tried, what was not, the learning curve, and how the pilots were run."""

from __future__ import annotations

import dataclasses
import math

from ...instruments.evaluation.bootstrap import Interval
from ...instruments.pilots.effects import Effect
from ...instruments.pilots.power_law import PowerLaw

MORE_DATA = "more_data"


@dataclasses.dataclass(frozen=True)
class Tried:
    """One change on copies: the term before and after, the effects on it and on the judging split (below 0 is better), and what it costs.

    weights, pace, passes: how many times as many, as slow a pass, as many passes. stopped: why it has not all seeds; empty where it has.
    """

    remedy: str
    change: str
    code: str
    risk: str
    recommended: bool
    place: int
    before: float
    after: float
    on_term: Effect
    effect: Effect
    weights: float
    pace: float
    passes: float
    leads_to: str
    stopped: str = ""

    @property
    def helps(self) -> bool:
        """Whether the error falls beyond chance."""
        return self.effect.below_zero

    @property
    def word(self) -> str:
        """Helps, harms, or not told apart."""
        if not self.effect.known:
            return "not decided"
        return "helps" if self.helps else "harms" if self.effect.above_zero else "not told apart"


@dataclasses.dataclass(frozen=True)
class Untried:
    """A remedy, or one change of it, that was not piloted, and why."""

    remedy: str
    change: str
    why: str
    place: int
    fits: bool = True


@dataclasses.dataclass(frozen=True)
class Point:
    """The error with so many samples: on the judging split with its interval, and on what was trained on."""

    samples: int
    error: float
    interval: Interval
    on_train: float


@dataclasses.dataclass(frozen=True)
class MoreData:
    """The learning curve: points, the law through them, what it says of 2 and 4 times the data; `refused`: why it says nothing."""

    points: tuple[Point, ...]
    law: PowerLaw | None = None
    effects: tuple[tuple[int, Effect], ...] = ()
    levels: tuple[Point, ...] = ()
    refused: str = ""

    @property
    def twice(self) -> Effect | None:
        """What twice the data would do."""
        return next((effect for times, effect in self.effects if times == 2), None)


@dataclasses.dataclass(frozen=True)
class Size:
    """The error of a model with so many weights, on the judging split with its interval, and on what was trained on."""

    what: str
    weights: int
    error: float
    interval: Interval
    on_train: float


@dataclasses.dataclass(frozen=True)
class Setting:
    """How the pilots were run: samples seen in a run, and `wanted` as the user's own training had them (infinite: unknown). own, again:
    the error of the user's model and of the program trained again, on the judging split.
    """

    samples: int
    total: int | None
    seen: int
    wanted: float
    seeds: int
    judged_on: str
    judged_samples: int
    anew: bool
    why_not_anew: str = ""
    own: float = float("nan")
    again: float = float("nan")

    @property
    def of_training(self) -> float:
        """How long a run is, as a share of the user's own training; 1 where that is not known."""
        return min(1.0, self.seen / self.wanted) if math.isfinite(self.wanted) and self.wanted > 0 else 1.0
