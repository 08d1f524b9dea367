"""The same happening in a row, as in an evaluation, which is kept as one record with a count."""

from __future__ import annotations

from typing import Any

from .events import Backward, Forward
from .updates import Stepped

_BACK = 8  # records that are looked through


def repeats(events: list[Any], event: Any) -> bool:
    """Whether the same passed this door a moment ago, with nothing trained since; then it is counted there."""
    for back in range(len(events) - 1, max(len(events) - 1 - _BACK, -1), -1):
        before = events[back]
        if isinstance(before, (Backward, Stepped)):
            return False
        if type(before) is type(event) and before[:2] == event[:2]:
            if isinstance(event, Forward) and before[2:5] != event[2:5]:
                return False
            events[back] = before._replace(times=before.times + 1)
            return True
    return False
