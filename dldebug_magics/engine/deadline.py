"""The end of the time: a pass that would not be over in time is not begun.

How long a pass takes is known from the passes before it. Looking at the clock alone would let the last one begin just before the end, and
one pass of a big model can take half of a small budget.
"""

from __future__ import annotations

import collections
import dataclasses
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .subject import Subject

_WAY_BACK = 2.0  # times the forward pass
_RECENT = 5  # passes: the last ones say best what the next one costs


class TimeSpent(BaseException):
    """Raised before a pass that would end too late. No `Exception`: it passes those who write the user's own exceptions down."""


@dataclasses.dataclass
class Pace:
    """How far apart, in seconds, the last passes of a program began: each with all that belongs to it (backward pass, step, copy)."""

    began: float | None = None
    apart: collections.deque[float] = dataclasses.field(default_factory=lambda: collections.deque(maxlen=_RECENT))

    @property
    def usual(self) -> float:
        """What the next pass may take, in seconds: as long as the longest of the last but one, which may have been a pause; 0 at first.

        >>> pace = Pace()
        >>> [pace.begins(second) for second in (10.0, 10.5, 12.0, 19.0)]
        [None, None, None, None]
        >>> pace.usual
        1.5
        """
        return sorted(self.apart)[-2] if len(self.apart) > 1 else sum(self.apart)

    def begins(self, now: float) -> None:
        """A pass begins."""
        if self.began is not None:
            self.apart.append(now - self.began)
        self.began = now


def way_back_in_time(subject: Subject) -> None:
    """Go on from a loss to its gradients only where that will be over by then: it takes about twice as long as the way there."""
    now = time.monotonic()
    if subject.pace.began is not None and now + _WAY_BACK * (now - subject.pace.began) > subject.deadline:
        raise TimeSpent


def in_time(subject: Subject) -> None:
    """Go on only with a pass that will most likely be over by the subject's deadline."""
    now = time.monotonic()
    if now + subject.pace.usual > subject.deadline:
        raise TimeSpent
    subject.pace.begins(now)
