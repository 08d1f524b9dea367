"""Rows of cells as lines of text, at most 110 columns wide, and as an HTML table."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence

WIDTH = 110
_LEFT = 'align="left" style="text-align:left"'  # a page's style outweighs the first, a viewer may strip the second


def filled(text: str, width: int = WIDTH) -> str:
    """The text's own lines, each broken where it is too wide."""
    return "\n".join(textwrap.fill(line, width) for line in text.splitlines())


def lined(rows: Sequence[Sequence[str]], first: float = 1.0) -> list[str]:
    """Rows, the heads first, below each other; the widest columns are narrowed until all fit side by side.

    first: how much of its width counts of the first column, which stays the wider the less that is.
    """
    cells = [list(map(str, row)) for row in rows]
    widths = [max(1, *(len(row[i]) for row in cells)) for i in range(len(cells[0]))]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH - 2:
        widths[max(range(len(widths)), key=lambda place: widths[place] * (1.0 if place else first))] -= 1
    return [line for row in cells for line in wrapped(row, widths)]


def wrapped(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """One row in as many lines as its longest cell needs."""
    columns = [_broken(cell, width) for cell, width in zip(row, widths, strict=True)]
    height = max(len(column) for column in columns)
    padded = [[*column, *[""] * (height - len(column))] for column in columns]
    return ["  " + "  ".join(c[i].ljust(w) for c, w in zip(padded, widths, strict=True)).rstrip() for i in range(height)]


def _broken(cell: str, width: int) -> list[str]:
    """A cell's lines; all of them keep the spaces that it begins with."""
    indent = " " * min(len(cell) - len(cell.lstrip(" ")), width // 2)
    return textwrap.wrap(cell.strip(" "), width, initial_indent=indent, subsequent_indent=indent) or [""]


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """Rows under column heads; the first cell of a row is the row's head."""
    head = "".join(f'<th scope="col" {_LEFT}>{html.escape(str(c))}</th>' for c in columns)
    escaped = [[html.escape(str(cell)) for cell in row] for row in rows]
    cells = [(f'<th scope="row" {_LEFT}>{row[0]}</th>', *(f"<td {_LEFT}>{cell}</td>" for cell in row[1:])) for row in escaped]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    said = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{said}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
