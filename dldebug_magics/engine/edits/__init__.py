"""Changes of the user's own source, as plain values: what a fix would have them type, statement by statement.

An edit names a file and the line of a statement in it, as the watch saw them (`Line.spot`). What stands around it is found when the source
is at hand: `around` is "" for the statement itself, "loop" for the innermost loop that holds it, "loops" for the outermost one (a statement
with a comprehension is a loop, too). By a name it finds the only statement that sets a variable which is used there ("set:name"), that sets
it last before in the same function ("last:name"), that sets such an attribute ("attribute:name"), that gives the value of a function which
stands there ("return:"), or that names a method in the same function and lacks the brackets of a call ("bare:name").

No edit is guessed at: where the source is not as an edit needs it (two statements on a line, a name that is set on the way), `corrected`
gives None for all of them.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable

from .hoisting import Hoist
from .listing import Listing
from .parts import Part
from .rewrites import Argument, Attach, Enclose, Replace, Unwrap
from .statements import Refused, tree_of

__all__ = [
    "Argument", "Attach", "Edit", "Either", "Enclose", "Hoist", "Insert", "Move", "Part", "Refused", "Remove", "Replace", "Spot",
    "Unwrap", "Wrap", "corrected", "made_name", "making", "tree_of",
]  # fmt: skip


Spot = tuple[str, int]  # file and line number, from 1
_MAKING = "<the making of "


def making(name: str, depth: int = 2) -> Spot:
    """The statement that makes what the user calls by a name, or one of what it is made of, so many names away.

    Where that stands, only a notebook knows, which has their cells.
    """
    return f"{_MAKING}{name}>", depth


def made_name(spot: Spot) -> str:
    """The name whose making a spot stands for; empty where it is a line of a file.

    >>> made_name(making("train_loader")), made_name(("model.py", 3))
    ('train_loader', '')
    """
    return spot[0].removeprefix(_MAKING)[:-1] if spot[0].startswith(_MAKING) else ""


@dataclasses.dataclass(frozen=True)
class Insert:
    """Put new lines before a statement, or behind it, with its indentation."""

    spot: Spot
    text: str
    after: bool = False
    around: str = ""

    def on(self, page: Listing) -> None:
        page.insert(page.statement(self.spot[1], self.around), self.text, self.after)


@dataclasses.dataclass(frozen=True)
class Remove:
    """Take a statement out."""

    spot: Spot

    def on(self, page: Listing) -> None:
        statement = page.statement(self.spot[1])
        if isinstance(statement, ast.Pass):
            raise Refused("there is nothing to take out")
        page.cut(statement)


@dataclasses.dataclass(frozen=True)
class Move:
    """Take a statement to another one of its file: before it, or behind it, with its indentation."""

    spot: Spot
    to: Spot
    after: bool = False
    around: str = ""

    def on(self, page: Listing) -> None:
        if self.to[0] != self.spot[0]:
            raise Refused("another file")
        page.move(page.statement(self.spot[1]), page.statement(self.to[1], self.around), self.after)


@dataclasses.dataclass(frozen=True)
class Wrap:
    """Put a statement under a new line, such as `with torch.no_grad():`."""

    spot: Spot
    head: str
    around: str = ""

    def on(self, page: Listing) -> None:
        page.wrap(page.statement(self.spot[1], self.around), self.head)


@dataclasses.dataclass(frozen=True)
class Either:
    """The first of several edits of one file that can be made for certain."""

    choices: tuple[Edit, ...]

    @property
    def spot(self) -> Spot:
        return self.choices[0].spot

    def on(self, page: Listing) -> None:
        choices = [choice for choice in self.choices if choice.spot[0] == self.spot[0]]
        for choice in choices[:-1]:
            rows, tree = list(map(dataclasses.replace, page.rows)), page.tree
            try:
                return choice.on(page)
            except Refused:
                page.rows, page.tree = rows, tree
        choices[-1].on(page)


Edit = Insert | Remove | Move | Wrap | Replace | Unwrap | Argument | Attach | Enclose | Hoist | Either


def corrected(source: str, edits: Iterable[Edit]) -> str | None:
    """The source with all edits made, indentation and comments kept; None where one can't be made for certain. Magics may be in it.

    >>> print(corrected("for x in data:\\n    step()  # now\\n", [Insert(("", 2), "clear()", after=True), Replace(("", 2), "step", "go")]))
    for x in data:
        go()  # now
        clear()
    <BLANKLINE>
    """
    try:
        page = Listing(source)
        for edit in edits:
            edit.on(page)
    except Refused:
        return None
    return page.source
