"""The order in which things are worth doing: what was measured before what was not, what the guide advises before what it does not."""

from __future__ import annotations

import dataclasses

from ...instruments.pilots.effects import Effect
from .results import MORE_DATA, MoreData, Tried


@dataclasses.dataclass(frozen=True)
class Ranked:
    """One thing to do, and its effect on the judging split, below 0 for the better. tried: None for what was extrapolated."""

    remedy: str
    what: str
    effect: Effect
    recommended: bool = True
    tried: Tried | None = None

    @property
    def helps(self) -> bool:
        """Whether the error falls beyond chance."""
        return self.effect.below_zero

    @property
    def word(self) -> str:
        """Helps, harms, or not told apart; what was extrapolated is never said to harm."""
        return self.tried.word if self.tried is not None else "helps" if self.helps else "not told apart"


def ranked(tried: tuple[Tried, ...], more_data: MoreData | None) -> tuple[Ranked, ...]:
    """The best first: by the end of the interval that promises least, then by the estimate. What has no interval stands behind what has
    one, and behind both what the guide does not recommend."""
    found = [Ranked(t.remedy, t.change, t.effect, t.recommended, t) for t in tried]
    twice = more_data.twice if more_data is not None else None
    if twice is not None:
        found.append(Ranked(MORE_DATA, "twice the data (by extrapolation)", twice))
    return tuple(sorted(found, key=_place))


def _place(one: Ranked) -> tuple[bool, bool, float, float]:
    known = one.effect.known
    return (not one.recommended, not known, one.effect.high if known else 0.0, one.effect.value)
