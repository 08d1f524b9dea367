"""Which cell of a notebook a file name of IPython's stands for. IPython is asked only if it is there already."""

from __future__ import annotations

import linecache
import re
import sys
from typing import Any


def cell_number(filename: str) -> int | None:
    """The number of the cell that a file name of IPython's stands for; None for a file."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    numbers = getattr(getattr(shell, "compile", None), "_filename_map", None)
    return _by_source(shell, filename) if numbers is None else numbers.get(filename)


def _by_source(shell: Any, filename: str) -> int | None:
    """The cell's number in an old IPython, which keeps no table of them: as its name has it, else the last cell with the same source.

    The body of a cell magic has the magic's own line as a comment before it.
    """
    named = re.match(r"<ipython-input-(\d+)-", filename)
    if named is not None:
        return int(named[1])
    source = "".join(linecache.getlines(filename)).rstrip() if shell is not None else ""
    history = shell.history_manager if source else None
    cells = history.input_hist_raw if source.startswith("# %%") and history else getattr(history, "input_hist_parsed", [])
    return next((number for number in reversed(range(len(cells))) if is_as_typed(cells[number], source.removeprefix("# "))), None)


def is_as_typed(cell: str, source: str) -> bool:
    """Whether a source is a cell as it was typed, line by line. Magics within it have been made calls; the one at its head is not Python.

    >>> is_as_typed("%%watch\\n!ls\\nx = 1", "# %%watch\\nget_ipython().system('ls')\\nx = 1")
    True
    """
    one, other = cell.rstrip().splitlines(), source.rstrip().splitlines()
    return len(one) == len(other) and all(
        a.rstrip() == b.rstrip() or "get_ipython()" in b or a.startswith("%%") for a, b in zip(one, other, strict=True)
    )
