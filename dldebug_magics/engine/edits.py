"""Changes of the user's own source, as plain values: what a fix would have them type, statement by statement.

An edit names a file and the line of a statement in it, as the watch saw them (`Line.spot`). What stands around it is found when the source
is at hand: `around` is "" for the statement itself, "loop" for the innermost loop that holds it, "loops" for the outermost one. A statement
with a comprehension is a loop, too.

No edit is guessed at: where the source is not as an edit needs it (two statements on a line, a name that is set on the way), `corrected`
gives None for all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from .expressions import Part, enclosed, unwrapped, with_argument
from .listing import Listing
from .statements import Refused

Spot = tuple[str, int]  # file and line number, from 1


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
        page.cut(page.statement(self.spot[1]))


@dataclasses.dataclass(frozen=True)
class Move:
    """Take a statement to another one of its file, at line `to`: before it, or behind it, with its indentation."""

    spot: Spot
    to: int
    after: bool = False
    around: str = ""

    def on(self, page: Listing) -> None:
        page.move(page.statement(self.spot[1]), page.statement(self.to, self.around), self.after)


@dataclasses.dataclass(frozen=True)
class Wrap:
    """Put a statement under a new line, such as `with torch.no_grad():`."""

    spot: Spot
    head: str
    around: str = ""

    def on(self, page: Listing) -> None:
        page.wrap(page.statement(self.spot[1], self.around), self.head)


@dataclasses.dataclass(frozen=True)
class Replace:
    """Put a text for another one within a statement's lines; it must stand there once."""

    spot: Spot
    old: str
    new: str

    def on(self, page: Listing) -> None:
        statement = page.statement(self.spot[1])
        text = page.text(statement)
        if text.count(self.old) != 1:
            raise Refused(f"{self.old!r} stands there {text.count(self.old)} times")
        page.rewrite(statement, text.replace(self.old, self.new))


@dataclasses.dataclass(frozen=True)
class Unwrap:
    """Put what a call was given, or was called on, for the call: `F.softmax(x, 1)` becomes `x`, and so does `x.detach()`."""

    spot: Spot
    name: str

    def on(self, page: Listing) -> None:
        statement = page.statement(self.spot[1])
        page.rewrite(statement, unwrapped(page.text(statement), self.name))


@dataclasses.dataclass(frozen=True)
class Argument:
    """Set an argument of a call, or add it: `name` is the function's last word; `place` is where it stands when it has no keyword."""

    spot: Spot
    name: str
    keyword: str
    value: str
    place: int = -1

    def on(self, page: Listing) -> None:
        statement = page.statement(self.spot[1])
        page.rewrite(statement, with_argument(page.text(statement), self.name, self.keyword, self.value, self.place))


@dataclasses.dataclass(frozen=True)
class Enclose:
    """Put `{}` with something around it for a part of a statement: `Part("append", 0)` and "{}.item()"."""

    spot: Spot
    part: Part
    form: str

    def on(self, page: Listing) -> None:
        statement = page.statement(self.spot[1])
        page.rewrite(statement, enclosed(page.text(statement), self.part, self.form))


Edit = Insert | Remove | Move | Wrap | Replace | Unwrap | Argument | Enclose


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
