"""A table whose rows have rows below them, and can be folded.

As HTML a row with rows below it is a `<details>`, which needs no script: its summary says in words what the cells of a row say under
their heads; neighbouring rows without any below them make one table, whose caption says where they stand. Without any rows below rows it
is one table, as it always is as text, with indented names.
"""

from __future__ import annotations

import dataclasses
import html
import itertools
from collections.abc import Iterator, Sequence

from .layout import filled, lined, table


@dataclasses.dataclass(frozen=True)
class Branch:
    """A row and the rows below it. Where it is not `open` these are folded, and the text leaves them out and says how many there are."""

    cells: tuple[str, ...]
    below: tuple[Branch, ...] = ()
    open: bool = True

    @property
    def rows(self) -> int:
        """How many rows there are, itself among them."""
        return 1 + sum(branch.rows for branch in self.below)

    @property
    def name(self) -> str:
        """Its first cell, and what is folded."""
        return f"{self.cells[0]} [{self.rows - 1} rows inside]" if self.below and not self.open else self.cells[0]


@dataclasses.dataclass(frozen=True)
class Tree:
    """Nested rows under column heads; the first cell of a row is its name. `last`: a row of totals."""

    caption: str
    columns: Sequence[str]
    branches: Sequence[Branch]
    last: Sequence[str] = ()

    def as_text(self) -> str:
        rows = [row for branch in self.branches for row in _indented(branch, "")]
        return "\n".join([filled(self.caption), *lined([self.columns, *rows, *([self.last] if self.last else [])], first=0.75)])

    def as_html(self) -> str:
        flat = [branch.cells for branch in self.branches] + ([self.last] if self.last else [])
        if not any(branch.below for branch in self.branches):
            return table(self.columns, flat, self.caption)
        totals = table(self.columns, [self.last], "all together") if self.last else ""
        said = f"<figcaption>{html.escape(self.caption)}</figcaption>"
        return f'<figure style="margin:0">{said}{self._items(self.branches)}{totals}</figure>'

    def _items(self, branches: Sequence[Branch], inside: str = "") -> str:
        found, first = list[str](), next((branch.cells[0] for branch in branches if branch.below), "")
        place = f"inside {inside}" if inside else f"before {first}"
        for nested, group in itertools.groupby(branches, lambda branch: bool(branch.below)):
            if nested:
                for branch in group:
                    found.append(self._details(branch))
                    place = f"{f'inside {inside}, ' if inside else ''}after {branch.cells[0]}"
            else:
                found.append(table(self.columns, [branch.cells for branch in group], place))
        return "".join(found)

    def _details(self, branch: Branch) -> str:
        said = [f"{head} {cell}" for head, cell in zip(self.columns[1:], branch.cells[1:], strict=True) if cell]
        summary = f"<strong>{html.escape(branch.name)}</strong> {html.escape('; '.join(said))}"
        inside = f"<blockquote>{self._items(branch.below, branch.cells[0])}</blockquote>"
        return f"<details{' open' if branch.open else ''}><summary>{summary}</summary>{inside}</details>"


def _indented(branch: Branch, indent: str) -> Iterator[tuple[str, ...]]:
    yield (f"{indent}{branch.name}", *branch.cells[1:])
    if branch.open:
        for below in branch.below:
            yield from _indented(below, f"{indent}  ")
