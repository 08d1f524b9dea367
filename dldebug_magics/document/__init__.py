"""What a result is made of: a handful of blocks, each written as text (110 columns) and as HTML. It knows nobody.

The HTML must keep its meaning when a notebook viewer strips every style, script and SVG: semantic tables, `<details>`, PNG pictures with
alt text, severity in words. Colours are inherited, so that light and dark pages both work. All text is escaped.
"""

from __future__ import annotations

import dataclasses
import html
import textwrap
from collections.abc import Sequence

from ..plot import plotted, sparkline
from .difference import Difference
from .layout import WIDTH, filled, lined, table, wrapped
from .panels import Panels
from .tree import Branch, Tree
from .trend import Trend
from .waterfall import Waterfall

__all__ = ["WIDTH", "Block", "Branch", "Code", "Details", "Difference", "Figure", "Heading"]
__all__ += ["Panels", "Table", "Text", "Tree", "Trend", "Waterfall", "as_html", "as_text"]


@dataclasses.dataclass(frozen=True)
class Heading:
    """A title; level 1 is the report's own."""

    text: str
    level: int = 3

    def as_text(self) -> str:
        return f"{filled(self.text)}\n{('-' if self.level > 3 else '=') * min(len(self.text), WIDTH)}"

    def as_html(self) -> str:
        return f"<h{self.level}>{html.escape(self.text)}</h{self.level}>"


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph. `strong` is for the one sentence that must be read."""

    text: str
    strong: bool = False

    def as_text(self) -> str:
        return filled(self.text)

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
        return f'<pre style="margin-bottom:1em"><code>{html.escape(self.source)}</code></pre>'


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows under column heads; the first cell of a row is the row's head."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def as_text(self) -> str:
        return "\n".join([filled(self.caption), *lined([self.columns, *self.rows])])

    def as_html(self) -> str:
        return table(self.columns, self.rows, self.caption)


@dataclasses.dataclass(frozen=True)
class Figure:
    """Curves over training steps in one plot, by name; `alt` states what they show, with each curve's ends; `across` names the steps.
    As text: sparklines."""

    alt: str
    curves: dict[str, Sequence[float]]
    level: tuple[str, float] | None = None
    across: str = "training step on one batch"

    def as_text(self) -> str:
        width = min(max((len(name) for name in self.curves), default=0) or 1, 24)
        return "\n".join(line for name, curve in self.curves.items() for line in wrapped((name, sparkline(curve)), (width, 82)))

    def as_html(self) -> str:
        ends = [f"{name} from {curve[0]:.3g} to {curve[-1]:.3g}" for name, curve in self.curves.items() if curve]
        alt = html.escape(f"{self.alt}{'' if self.alt.endswith('.') else ';'} {'; '.join(ends)}", quote=True)
        return (
            f'<p><img alt="{alt}" src="data:image/png;base64,{plotted(self.curves, self.level, self.across)}" style="max-width:100%"></p>'
        )


@dataclasses.dataclass(frozen=True)
class Details:
    """Blocks behind a summary: folded in a page, below it in text."""

    summary: str
    blocks: tuple[Block, ...]

    def as_text(self) -> str:
        return f"{filled(self.summary)}\n{as_text(self.blocks)}"

    def as_html(self) -> str:
        return f"<details><summary>{html.escape(self.summary)}</summary>{''.join(b.as_html() for b in self.blocks)}</details>"


Block = Heading | Text | Code | Difference | Table | Tree | Figure | Panels | Trend | Waterfall | Details


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
