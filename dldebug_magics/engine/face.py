"""What a notebook lends to reports: a panel, and a place to write in. The engine knows that somebody may, and not who.

Whoever shows reports puts their face on (`wear`) when the magics are loaded, and takes it off when they are unloaded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .errors import UserMistake

if TYPE_CHECKING:
    from .report import Report


@dataclasses.dataclass(frozen=True)
class Face:
    """What can be done with a report on a screen: open its `panel`, and `write` the lines of its fixes into the next cell."""

    panel: Callable[[Report], Any]
    write: Callable[[Report], None]


_worn: list[Face] = []


def wear(new: Face) -> None:
    """Use this face from now on."""
    _worn.append(new)


def take_off(old: Face) -> None:
    """Use it no more; one that was worn before counts again."""
    _worn[:] = [one for one in _worn if one is not old]


def face() -> Face:
    """The face in use; a `UserMistake` where there is none."""
    if not _worn:
        raise UserMistake("nobody is here to show it", do="run %load_ext dldebug in a notebook first")
    return _worn[-1]
