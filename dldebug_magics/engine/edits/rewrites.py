"""Edits within one statement: its lines stay where they are, and a part of their text is another one."""

from __future__ import annotations

import dataclasses

from .expressions import attached, enclosed, unwrapped, with_argument
from .listing import Listing
from .parts import Part
from .statements import Refused


@dataclasses.dataclass(frozen=True)
class Replace:
    """Put a text for another one within a statement's lines; it must stand there once."""

    spot: tuple[str, int]
    old: str
    new: str
    around: str = ""

    def on(self, page: Listing) -> None:
        statement = page.statement(self.spot[1], self.around)
        text = page.text(statement)
        if text.count(self.old) != 1:
            raise Refused(f"{self.old!r} stands there {text.count(self.old)} times")
        page.rewrite(statement, text.replace(self.old, self.new))


@dataclasses.dataclass(frozen=True)
class Unwrap:
    """Put what a call was given, or was called on, for the call: `F.softmax(x, 1)` becomes `x`, and so does `x.detach()`."""

    spot: tuple[str, int]
    name: str
    around: str = ""

    def on(self, page: Listing) -> None:
        statement = page.statement(self.spot[1], self.around)
        page.rewrite(statement, unwrapped(page.text(statement), self.name))


@dataclasses.dataclass(frozen=True)
class Argument:
    """Set an argument of a call, or add it: `name` is the function's last word; `place` is where it stands when it has no keyword."""

    spot: tuple[str, int]
    name: str
    keyword: str
    value: str
    place: int = -1
    around: str = ""

    def on(self, page: Listing) -> None:
        statement = page.statement(self.spot[1], self.around)
        page.rewrite(statement, with_argument(page.text(statement), self.name, self.keyword, self.value, self.place))


@dataclasses.dataclass(frozen=True)
class Enclose:
    """Put `{}` with something around it for a part of a statement: `Part("append", 0)` and "{}.item()"."""

    spot: tuple[str, int]
    part: Part
    form: str
    around: str = ""

    def on(self, page: Listing) -> None:
        statement = page.statement(self.spot[1], self.around)
        page.rewrite(statement, enclosed(page.text(statement), self.part, self.form))


@dataclasses.dataclass(frozen=True)
class Attach:
    """Leave the graph on what a statement sets: `torch.tensor(loss.item(), requires_grad=True)` becomes `loss`."""

    spot: tuple[str, int]
    around: str = ""

    def on(self, page: Listing) -> None:
        statement = page.statement(self.spot[1], self.around)
        page.rewrite(statement, attached(page.text(statement)))
