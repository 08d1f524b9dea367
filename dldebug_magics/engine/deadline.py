"""The end of the time: what makes many passes is stopped before the next one once its time is up."""

from __future__ import annotations

import time

from .subject import Subject


class TimeSpent(BaseException):
    """Raised before a pass that would begin too late. No `Exception`: it passes those who write the user's own exceptions down."""


def in_time(subject: Subject) -> None:
    """Go on only before the subject's deadline."""
    if time.monotonic() > subject.deadline:
        raise TimeSpent
