"""What costs much and says the same of many programs is asked of some of them in `make test`, and of all the others in `make sweep`.

Not so what holds false alarms down: every healthy kind, loop and twin is asked each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def by_turns(programs: Iterable[Any], of: int, turn: int = 0) -> list[Any]:
    """These, as parameters of a test: every `of`-th from number `turn` on is asked each time, the others by `make sweep` alone.

    >>> [len(each.marks) if hasattr(each, "marks") else "asked" for each in by_turns("abcd", of=2, turn=1)]
    [1, 'asked', 1, 'asked']
    """
    return [program if number % of == turn else swept(program) for number, program in enumerate(programs)]


def swept(program: Any) -> Any:
    """This, as a parameter that `make sweep` alone asks."""
    return pytest.param(*program if isinstance(program, tuple) else (program,), marks=pytest.mark.sweep)
