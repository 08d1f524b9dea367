"""Which line of the user's code is running: the nearest frame that is neither torch's nor ours nor a library's.

Notebook cells are named as the user sees them ("cell 3, line 12").
"""

from __future__ import annotations

import dataclasses
import linecache
import sys
import traceback
from pathlib import Path
from types import FrameType, TracebackType

from ..engine.whose import is_installed
from .cells import cell_number

_PACKAGE = str(Path(__file__).parents[1])
_WITHIN = tuple(str(Path(_PACKAGE, room)) for room in ("instruments", "cures"))


def is_users(filename: str) -> bool:
    """Whether a file is the user's own: no library, no frozen module, not this package (its examples count as user code)."""
    if filename.startswith(_PACKAGE):
        return filename.startswith(str(Path(_PACKAGE, "checks")))
    return not (is_installed(filename) or filename.startswith(("<__array_function__", "<eval_with_key>")))


Spot = tuple[str, int]  # file and line number: what a Line is made of, taken in a moment and looked up later


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of the user's program: where it is, as they know it, and what it says. Both are empty where there is none.

    `spot` is where a program finds it; two lines that are the same to the user are equal.
    """

    place: str = ""
    source: str = ""
    spot: Spot = dataclasses.field(default=("", 0), compare=False, repr=False)

    def __str__(self) -> str:
        return self.place


NOWHERE = Line()


def where(module: str, line: Line) -> str:
    """A module's path and the user's line, as far as they are known.

    >>> where("head", Line("cell 3, line 12")), where("", Line())
    ('`head`, cell 3, line 12', '')
    """
    return ", ".join(part for part in (f"`{module}`" if module else "", line.place) if part)


def running_line(depth: int = 1) -> Line:
    """The user's line that is being executed; none where the model runs by itself, with nothing of the user's below our own call."""
    return line_at(running_spot(depth + 1))


def line_at(spot: Spot | None) -> Line:
    """The line at a spot, as the user knows it."""
    return Line(place(*spot), linecache.getline(*spot).strip(), spot) if spot is not None else NOWHERE


def running_spot(depth: int = 1) -> Spot | None:
    """Where the user's line is that is being executed."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        filename = frame.f_code.co_filename
        whose = _whose.get(filename) or _asked(filename)
        if whose == "user":
            return filename, frame.f_lineno
        if whose == "our call":
            return None
        frame = frame.f_back
    return None


_whose: dict[str, str] = {}


def _asked(filename: str) -> str:
    """Whose a file is. Looked up once: a trace asks at every operation."""
    if len(_whose) > 4096:
        _whose.clear()
    _whose[filename] = "our call" if _is_our_call(filename) else "user" if is_users(filename) else "other"
    return _whose[filename]


def _is_our_call(filename: str) -> bool:
    """Whether a frame is where this package calls the user's program; measuring devices and cures stand within such a call."""
    return filename.startswith(_PACKAGE) and not filename.startswith(_WITHIN) and not is_users(filename)


def raising(error: BaseException) -> Line:
    """The user's innermost line in a traceback; none where there is none of theirs."""
    mine = [(f.f_code.co_filename, n) for f, n in traceback.walk_tb(error.__traceback__) if is_users(f.f_code.co_filename)]
    return line_at(mine[-1] if mine else None)


def raising_line(error: BaseException) -> str:
    """The place of the user's innermost line in a traceback, or an empty string."""
    return raising(error).place


def users_part(error: BaseException) -> TracebackType | None:
    """The traceback without the frames of this package: those that led to the user's program, and the measuring devices within it."""
    frames, kept = [], None
    entry = error.__traceback__
    while entry is not None:
        frames.append(entry)
        entry = entry.tb_next
    for entry in reversed(frames):
        filename = entry.tb_frame.f_code.co_filename
        if is_users(filename) or not filename.startswith(_PACKAGE):
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept


def place(filename: str, line: int) -> str:
    """A file and line as the user knows them.

    >>> place("/home/me/nets/model.py", 12)
    'model.py, line 12'
    """
    cell = cell_number(filename)
    return f"cell {cell}, line {line}" if cell is not None else f"{Path(filename).name}, line {line}"
