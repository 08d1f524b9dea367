"""Rows of cells as lines of text, at most 110 columns wide, and as an HTML table."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Sequence

WIDTH = 110
_LONG = 24  # letters of a word that is not broken, if that can be helped
_WIDE = 4  # columns: a narrow page cuts off as many
_BLOCKS = re.compile("[▁-█][▁-█!]+")
_LEFT = 'align="left" style="text-align:left"'  # a page's style outweighs the first, a viewer may strip the second
_AT_LEFT = 'style="margin-left:0;margin-right:auto"'  # JupyterLab centres a table that is no direct part of an output, as in a panel


def filled(text: str, width: int = WIDTH) -> str:
    """The text's own lines, each broken where it is too wide."""
    return "\n".join(textwrap.fill(line, width) for line in text.splitlines())


def lined(rows: Sequence[Sequence[str]], first: float = 1.0) -> list[str]:
    """Rows, the heads first, below each other; the widest columns are narrowed until all fit side by side, through words last of all.

    first: how much of its width counts of the first column, which stays the wider the less that is.
    """
    cells = [list(map(str, row)) for row in rows]
    widths = [max(1, *(len(row[i]) for row in cells)) for i in range(len(cells[0]))]
    words = [max(len(word) for row in cells for word in (row[i].split() or [""])) for i in range(len(widths))]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH - 2:
        loose = [place for place, width in enumerate(widths) if width > min(words[place], _LONG)] or range(len(widths))
        widths[max(loose, key=lambda place: widths[place] * (1.0 if place else first))] -= 1
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
    """Rows under column heads; the first cell of a row is the row's head, unless it is the only one. What is empty is no head."""
    head = f"<thead>{_row([_head(column, 'col') for column in columns])}</thead>" if any(columns) else ""
    lead = "row" if len(columns) > 1 else ""
    body = "".join(_row([_head(row[0], lead), *(_head(cell, "") for cell in row[1:])]) for row in rows)
    said = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    whole = f"<table {_AT_LEFT}>{said}{head}<tbody>{body}</tbody></table>"
    wide = len(columns) >= _WIDE or "aria-hidden" in body
    return f"<div {reach(caption, 'group')}>{whole}</div>" if wide else whole


def reach(name: str, role: str) -> str:
    """The attributes of what may be wider than its page: the keyboard reaches it, by a name, and scrolls it."""
    return f'tabindex="0" role="{role}" aria-label="{html.escape(name, quote=True)}" style="overflow-x:auto"'


def _row(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(cells)}</tr>"


def _head(text: object, scope: str) -> str:
    """A cell that is the head of its row or column, or without a `scope` of none. Nobody reads a sparkline aloud, block by block."""
    said = _BLOCKS.sub(r'<span aria-hidden="true">\g<0></span>', html.escape(str(text)))
    return f'<th scope="{scope}" {_LEFT}>{said}</th>' if scope and said else f"<td {_LEFT}>{said}</td>"
