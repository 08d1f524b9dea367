"""Changed lines, old and new: each says by its sign what becomes of it, so that neither a colour nor a line through it is needed."""

from __future__ import annotations

import dataclasses
import html
import textwrap

from .layout import WIDTH, filled, reach

_MARKS = {"+": ("ins", "rgba(46,160,67,.2)"), "-": ("del", "rgba(248,81,73,.2)")}  # on light pages and on dark ones


@dataclasses.dataclass(frozen=True)
class Difference:
    """A unified diff under a caption: lines that begin with "-" go, those with "+" come."""

    caption: str
    diff: str

    def as_text(self) -> str:
        lines = [part for line in self.diff.splitlines() for part in textwrap.wrap(line, WIDTH - 4, drop_whitespace=False) or [""]]
        return "\n".join([filled(self.caption), *(f"    {line}" for line in lines)])

    def as_html(self) -> str:
        said = html.escape(self.caption)
        rows = "\n".join(map(_marked, self.diff.splitlines()))
        return f"<figure><figcaption>{said}</figcaption><pre {reach(self.caption, 'region')}><code>{rows}</code></pre></figure>"


def _marked(line: str) -> str:
    tag, colour = _MARKS.get(line[:1], ("", ""))
    said = html.escape(line)
    return f'<{tag} style="text-decoration:none;background:{colour}">{said}</{tag}>' if tag else said
