"""What chance can do to a validation set: the luck of the best of many trials, and the size at which a gap would stand out."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import BiasVariance
    from .decomposition import Term

_DEVIATIONS = 1.96  # from the middle of a normal distribution to the end of its 95 % interval


@dataclasses.dataclass(frozen=True)
class Unsettled:
    """A gap that chance could have made, the smaller of its splits, and how many samples of that would settle it."""

    term: Term
    role: str
    samples: int
    wanted: int


def expected_optimism(seen: BiasVariance) -> float | None:
    """How much better than it is the best of `trials` models looks, at most: deviation * sqrt(2 ln k). None where it can't be told.

    Source: the expected maximum of k independent normal numbers is at most that.
    """
    val = seen.rung("test_val") or seen.rung("train_val")
    if seen.trials < 2 or val is None or val.interval is None:
        return None
    return (val.interval.high - val.interval.low) / (2 * _DEVIATIONS) * math.sqrt(2 * math.log(seen.trials))


def unsettled(seen: BiasVariance) -> Unsettled | None:
    """The largest term, where it would matter and its interval holds 0."""
    asked = [term for term in seen.terms if term.parts != ("irreducible error",)]
    term = max(asked, key=lambda term: term.value, default=None)
    if term is None or not seen.matters(term) or term.interval.above_zero or term.interval.high < 0:
        return None
    sides = [side for side in seen.levels if side.role in (term.below, term.above) and side.samples and side.role != "irreducible"]
    if not sides:
        return None
    smaller = min(sides, key=lambda side: side.samples)
    half = (term.interval.high - term.interval.low) / 2
    wanted = smaller.samples * max(1.0, half / term.value) ** 2
    return Unsettled(term, smaller.given, smaller.samples, _rounded_up(wanted * 1.1))


def _rounded_up(number: float) -> int:
    """To two digits.

    >>> _rounded_up(1234.5)
    1300
    """
    unit = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return math.ceil(number / unit) * unit
