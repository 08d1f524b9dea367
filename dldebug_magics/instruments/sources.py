"""The whole source of a file or a cell of the user's, as they typed it, with the magics that Python never sees."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

from ..engine.correction import Source
from .cells import cell_number, is_as_typed
from .source_lines import place


def source_of(file: str, typed: Mapping[str, str]) -> Source | None:
    """A file's source; None where there is none. `typed`: the cells that are watched, by the names that their code has.

    A cell is given a way to the next input if it is the watched one: by a magic, or because it is running now.
    """
    code = "".join(linecache.getlines(file))
    if not code:
        return None
    number, name = cell_number(file), place(file, 1).rpartition(",")[0]
    own = file in typed or (number is not None and _is_running(file))
    text = typed[file] if file in typed else _history(number)
    same = is_as_typed(text, code)
    put = put_below if own and same and _shell() is not None else None
    return Source(file, name, text if same else code, put, f"Out[{number}]" if file in typed and number else "report")


def put_below(text: str) -> None:
    """Put a text into the next input of the notebook."""
    _shell().set_next_input(text, replace=False)


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _history(number: int | None) -> str:
    cells = getattr(getattr(_shell(), "history_manager", None), "input_hist_raw", ())
    return cells[number] if number is not None and number < len(cells) else ""


def _is_running(file: str) -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != file:
        frame = frame.f_back
    return frame is not None
