"""Whether a corrected program trains better than the one as it is: the rule, on plain numbers.

Both ran on copies from the same state, and again from other random numbers. A chance difference must not pass: of two programs that differ
in nothing but their random numbers one stands lower at the end every other time.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

LEAST = 8  # steps, below which there is no course to compare
REPEATS = 5
_SHARE = 0.1  # of the corrected program's own fall, by which it must stand lower


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two courses of one loss on the same batches: the weights of the program as it is, and those of the corrected one.

    Entry s was measured with the weights after s steps, by one and the same program, before that batch was trained on.
    """

    as_is: tuple[float, ...]
    corrected: tuple[float, ...]

    @property
    def fall(self) -> float:
        """How far the corrected program's loss came down."""
        return self.corrected[0] - _end(self.corrected)

    @property
    def gain(self) -> float:
        """How much lower it stands at the end. What is as it is counts as no worse than its start and three times that fall."""
        return self.last[0] - self.last[1]

    @property
    def ends(self) -> tuple[float, float]:
        """The mean of the last third of each course; infinite where one of these is no number."""
        return _end(self.as_is), _end(self.corrected)

    @property
    def last(self) -> tuple[float, float]:
        """The ends as they count."""
        worst = self.corrected[0] + 3 * max(self.fall, 0.0)
        return min(_end(self.as_is), worst), _end(self.corrected)


@dataclasses.dataclass(frozen=True)
class Trial:
    """What running again showed: both courses, whether the corrected program trains better, and that in words."""

    pair: Pair
    better: bool
    outcome: str

    @property
    def steps(self) -> int:
        """How many steps both were compared over."""
        return len(self.pair.corrected)


def may_be_better(pair: Pair) -> bool:
    """Whether one run shows enough: the corrected program learns, and its lead is a tenth of what it has learnt.

    >>> may_be_better(Pair((2.0,) * 9, (2.0,) * 3 + (1.0,) * 6)), may_be_better(Pair((2.0,) * 9, (2.0,) * 9))
    (True, False)
    """
    return pair.fall > 0 and math.isfinite(pair.last[1]) and pair.gain > _SHARE * pair.fall


def is_better(by_corrected: Sequence[Pair], by_original: Sequence[Pair]) -> bool:
    """Whether the corrected program trains better, by its own measure and by that of the program as it is; a pair each for every repeat.

    It must lead in every repeat, by both measures; by its own by a tenth of its fall, and each time by more than the repeats of one
    program differ among themselves at their end. Of two programs that differ by normal chance alone fewer than one in 10,000 passes.
    """
    if len(by_corrected) < REPEATS or not all(map(may_be_better, by_corrected)) or any(pair.gain <= 0 for pair in by_original):
        return False
    spreads = [max(ends) - min(ends) for ends in zip(*(pair.last for pair in by_corrected), strict=True)]
    return min(pair.gain for pair in by_corrected) > max(spreads)


def _end(course: Sequence[float]) -> float:
    """The mean of the last third; infinite where one of these is no number.

    >>> _end((9, 9, 9, 9, 1, 3)), _end((1.0, math.nan))
    (2.0, inf)
    """
    last = course[-max(1, len(course) // 3) :]
    return sum(last) / len(last) if all(map(math.isfinite, last)) else math.inf
