"""What a result is made of: a handful of blocks, each written as text (110 columns) and as HTML. It knows nobody.

The HTML must keep its meaning when a notebook viewer strips every style, script and SVG: semantic tables, `<details>`, PNG pictures with
alt text, severity in words. Colours are inherited, so that light and dark pages both work. All text is escaped.
"""

from __future__ import annotations

import dataclasses
import html
import textwrap
from collections.abc import Sequence

from .plot import plotted, sparkline

WIDTH = 110
_LEFT = 'align="left" style="text-align:left"'  # a page's style outweighs the first, a viewer may strip the second


@dataclasses.dataclass(frozen=True)
class Heading:
    """A title; level 1 is the report's own."""

    text: str
    level: int = 3

    def as_text(self) -> str:
        return f"{_filled(self.text)}\n{('-' if self.level > 3 else '=') * min(len(self.text), WIDTH)}"

    def as_html(self) -> str:
        return f"<h{self.level}>{html.escape(self.text)}</h{self.level}>"


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph. `strong` is for the one sentence that must be read."""

    text: str
    strong: bool = False

    def as_text(self) -> str:
        return _filled(self.text)

    def as_html(self) -> str:
        inner = html.escape(self.text).replace("\n", "<br>")
        return f"<p><strong>{inner}</strong></p>" if self.strong else f"<p>{inner}</p>"


@dataclasses.dataclass(frozen=True)
class Code:
    """Lines to copy."""

    source: str

    def as_text(self) -> str:
        lines = [part for line in self.source.splitlines() for part in textwrap.wrap(line, WIDTH - 4, drop_whitespace=False) or [""]]
        return textwrap.indent("\n".join(lines), "    ")

    def as_html(self) -> str:
        return f"<pre><code>{html.escape(self.source)}</code></pre>"


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows under column heads; the first cell of a row is the row's head."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def as_text(self) -> str:
        cells = [list(map(str, row)) for row in (self.columns, *self.rows)]
        widths = [max(1, *(len(row[i]) for row in cells)) for i in range(len(self.columns))]
        while sum(widths) + 2 * (len(widths) - 1) > WIDTH - 2:
            widths[widths.index(max(widths))] -= 1
        return "\n".join([_filled(self.caption), *(line for row in cells for line in _wrapped(row, widths))])

    def as_html(self) -> str:
        head = "".join(f'<th scope="col" {_LEFT}>{html.escape(str(c))}</th>' for c in self.columns)
        rows = [[html.escape(str(cell)) for cell in row] for row in self.rows]
        cells = [(f'<th scope="row" {_LEFT}>{row[0]}</th>', *(f"<td {_LEFT}>{cell}</td>" for cell in row[1:])) for row in rows]
        body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
        return f"<table><caption>{html.escape(self.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _filled(text: str, width: int = WIDTH) -> str:
    """The text's own lines, each broken where it is too wide."""
    return "\n".join(textwrap.fill(line, width) for line in text.splitlines())


def _wrapped(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    columns = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
    height = max(len(column) for column in columns)
    padded = [[*column, *[""] * (height - len(column))] for column in columns]
    return ["  " + "  ".join(c[i].ljust(w) for c, w in zip(padded, widths, strict=True)).rstrip() for i in range(height)]


@dataclasses.dataclass(frozen=True)
class Figure:
    """Curves over training steps in one plot, by name; `alt` states what they show, with each curve's ends. As text: sparklines."""

    alt: str
    curves: dict[str, Sequence[float]]
    level: tuple[str, float] | None = None

    def as_text(self) -> str:
        width = min(max((len(name) for name in self.curves), default=0) or 1, 24)
        return "\n".join(line for name, curve in self.curves.items() for line in _wrapped((name, sparkline(curve)), (width, 82)))

    def as_html(self) -> str:
        ends = [f"{name} from {curve[0]:.3g} to {curve[-1]:.3g}" for name, curve in self.curves.items() if curve]
        alt = html.escape("; ".join([self.alt, *ends]), quote=True)
        return f'<p><img alt="{alt}" src="data:image/png;base64,{plotted(self.curves, self.level)}" style="max-width:100%"></p>'


@dataclasses.dataclass(frozen=True)
class Details:
    """Blocks behind a summary: folded in a page, below it in text."""

    summary: str
    blocks: tuple[Block, ...]

    def as_text(self) -> str:
        return f"{_filled(self.summary)}\n{as_text(self.blocks)}"

    def as_html(self) -> str:
        return f"<details><summary>{html.escape(self.summary)}</summary>{''.join(b.as_html() for b in self.blocks)}</details>"


Block = Heading | Text | Code | Table | Figure | Details


def as_text(blocks: Sequence[Block]) -> str:
    """The blocks one below the other, at most 110 columns wide.

    >>> print(as_text([Table("facts", ["what", "seen"], [["sum of a row", "1.00"]])]))
    facts
      what          seen
      sum of a row  1.00
    """
    return "\n\n".join(block.as_text() for block in blocks)


def as_html(blocks: Sequence[Block]) -> str:
    """The blocks as one HTML section.

    >>> as_html([Text("a < b")])
    '<section class="dldebug"><p>a &lt; b</p></section>'
    """
    return f'<section class="dldebug">{"".join(block.as_html() for block in blocks)}</section>'
