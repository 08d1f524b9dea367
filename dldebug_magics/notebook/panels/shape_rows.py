"""The table of a finished trace for a panel: as many levels open as are wanted, or the calls that hold a text; what breaks stands first."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...document import Table

if TYPE_CHECKING:
    from ...observations.shape_trace import ShapeTrace
    from ...observations.shape_trace.row import Row

_ALL = 99  # levels: deeper than any model


class Rows:
    """`deepest`: how many levels have rows inside. `open(levels)` was written beforehand; `holding(text)` is at once."""

    def __init__(self, trace: ShapeTrace):
        self.trace, self.deepest = trace, max([1, *(row.depth for row in trace.rows)])
        self.first = breaks(trace)
        self.levels = {level: self.first + self._table(trace.rows, trace.idle, level) for level in range(1, self.deepest + 1)}

    def open(self, levels: int) -> str:
        """The whole table with so many levels open."""
        return self.levels[min(max(levels, 1), self.deepest)]

    def holding(self, text: str) -> tuple[str, int]:
        """The calls whose path, type or a shape holds the text, in the modules they run in, all open; and how many there are."""
        found, idle = kept(self.trace.rows, text), [row for row in self.trace.idle if _holds(row, text)]
        count = sum(_holds(row, text) for row in (*self.trace.rows, *self.trace.idle))
        if not found and not idle:
            return f"{self.first}<p>No call holds “{html.escape(text)}” in its path, type or shapes.</p>", 0
        told = f"<p>Only the calls that hold “{html.escape(text)}”, with the modules around them.</p>"
        return f"{self.first}{told}{self._table(found, idle, _ALL, whole=False)}", count

    def _table(self, rows: Sequence[Row], idle: Sequence[Row], levels: int, whole: bool = True) -> str:
        from ...observations.shape_trace.table import tree

        drawn = tree(rows, idle, levels)
        return (drawn if whole else dataclasses.replace(drawn, last=())).as_html()


def kept(rows: Sequence[Row], text: str) -> list[Row]:
    """The rows that hold a text, each below those that it runs in."""
    found: list[Row] = []
    above: list[Row] = []
    for row in rows:
        above = [*(one for one in above if one.depth < row.depth), row]
        if _holds(row, text):
            found += [one for one in above if not any(one is other for other in found)]
    return found


def breaks(trace: ShapeTrace) -> str:
    """Where it breaks, in words, above all other rows; nothing where it runs."""
    from ...observations.shape_trace.table import HERE
    from ...observations.shape_trace.wording import listed, phase

    failure: Any = trace.failure
    if failure is None:
        return ""
    row = next((row for row in trace.rows if row.failed), None)
    call = f"{row.path} {row.kind}".strip() if row is not None else f"{failure.module} {failure.operation}".strip()
    given = listed(row.inputs if row is not None else failure.inputs)
    cells = (call or failure.kind, given, phase(failure.phase), failure.line.place, f"{failure.kind}: {failure.first_line}")
    return Table(HERE, ("call", "input", "in the", "at", "the exception"), [cells]).as_html()


def _holds(row: Row, text: str) -> bool:
    """Whether a row's path, type or shapes hold a text, however either is spaced or written.

    >>> from dldebug_magics.instruments.forms import Form
    >>> from dldebug_magics.observations.shape_trace.row import Row
    >>> row = Row(1, "body.0", "Linear", True, (Form((32, 8)),), ())
    >>> [_holds(row, text) for text in ("linear", "BODY.0", "32x8", "32 x 8", "conv")]
    [True, True, True, True, False]
    """
    shapes = " ".join(str(form.shape).strip("(),").replace(", ", "x") for form in (*row.inputs, *row.outputs))
    wanted = text.lower()
    return wanted in f"{row.path} {row.kind}".lower() or "".join(wanted.split()) in shapes
