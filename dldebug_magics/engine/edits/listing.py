"""A source whose statements can be put in, taken out and moved, line by line, so that all that is not touched stays as it was typed.

Lines remember the number that they had; those that were moved or are new have none. After each change the source must parse again.
"""

from __future__ import annotations

import ast
import dataclasses
import re

from . import statements
from .scopes import fits, named, users_own, with_condition
from .statements import Refused, first_line, last_line, names, tree_of, within

_ENDS = (ast.Return, ast.Raise, ast.Break, ast.Continue)


@dataclasses.dataclass
class Row:
    """One line, with its end; `number` is that which it had, 0 where it is new or stands elsewhere now."""

    text: str
    number: int = 0
    changed: bool = False


class Listing:
    """A source under change. Its statements are those of `tree`, the tree of the source as it stands."""

    def __init__(self, source: str):
        if re.search(r"\r(?!\n)|[\f\v]", source):
            raise Refused("its lines are not told apart for certain")
        self.rows = [Row(text, number) for number, text in enumerate(re.findall(r"[^\n]*\n|[^\n]+", source), 1)]
        self.tree = statements.parsed(source)

    @property
    def source(self) -> str:
        """As it stands."""
        return "".join(row.text for row in self.rows)

    def statement(self, number: int, around: str = "") -> ast.stmt:
        """The innermost statement at a line of the source as it was; or a loop around it, or what sets a name that it uses."""
        line = next((i for i, row in enumerate(self.rows, 1) if row.number == number > 0), 0)
        chain = users_own(self.tree, line) if line else []
        if around in ("loop", "loops"):
            chain = statements.loops_around(chain, line)[:: 1 if around == "loop" else -1]
        if not chain:
            raise Refused(f"no such statement at line {number}")
        kind, _, name = around.partition(":")
        return named[kind](self.tree, chain, name) if kind in named else chain[-1]

    def text(self, statement: ast.stmt) -> str:
        """Its own text, from its first character to its last."""
        top, bottom, begin, end = self._span(statement)
        *first, last = [row.text.encode() for row in self.rows[top:bottom]]
        return b"".join([*first, last[:end]])[begin:].decode()

    def rewrite(self, statement: ast.stmt, text: str) -> None:
        """Put another text for a statement's own."""
        top, bottom, begin, end = self._span(statement)
        old = self.rows[top:bottom]
        if any(row.changed or not row.number for row in old) or text == self.text(statement):
            raise Refused("nothing to change there, or changed already")
        self._fits(statement, text)
        if statements.says_nothing(text):
            self.cut(statement)
            return
        before, behind = old[0].text.encode()[:begin].decode(), old[-1].text.encode()[end:].decode()
        lines = re.findall(r"[^\n]*\n|[^\n]+", before + text + behind)
        numbers = [row.number for row in old] if len(lines) == len(old) else [old[0].number] + [0] * len(lines)
        self._put(top, bottom, [Row(line, number, True) for line, number in zip(lines, numbers, strict=False)])

    def insert(self, statement: ast.stmt, text: str, after: bool) -> None:
        """Put new lines before a statement or behind it."""
        indent = self._indent(statement)
        self._fits(statement, text)
        self._insert(statement, [Row(indent + line + "\n") for line in text.split("\n")], after)

    def cut(self, statement: ast.stmt) -> list[Row]:
        """Take a statement out, and return its lines; a block that is left empty holds `pass`."""
        indent, top, bottom = self._indent(statement), first_line(statement) - 1, last_line(statement)
        cut = self.rows[top:bottom]
        if any(row.changed for row in cut):
            raise Refused("changed already")
        rest = [] if len(statements.block_of(self.tree, statement)) > 1 or statement in self.tree.body else [Row(indent + "pass\n")]
        self._put(top, bottom, rest)
        return cut

    def move(self, statement: ast.stmt, target: ast.stmt, after: bool) -> None:
        """Take a statement to another one, unless what it reads or sets is set or read on the way."""
        statement = with_condition(self.tree, statement, target)
        old, new = self._indent(statement), self._indent(target)
        chain = within(self.tree, first_line(statement))
        passed = statements.names_in(self.tree, first_line(statement), last_line(target) + 1 if after else first_line(target))
        around = [target] if target in chain else []
        clash = names([statement], ast.Load) & (names(passed, ast.Store) | statements.set_in(around, statement))
        clash |= names([statement], ast.Store) & names(passed, ast.Load)
        if clash or (old != new and statements.spans_strings(statement)) or statement in within(self.tree, first_line(target)):
            raise Refused(f"{', '.join(sorted(clash)) or 'it'} does not go there")
        fits(self.tree, within(self.tree, first_line(target)), [statement])
        anchor = self.rows[first_line(target) - 1]
        cut = self.cut(statement)
        line = next(i for i, row in enumerate(self.rows, 1) if row is anchor)
        target = next(s for s in within(self.tree, line) if first_line(s) == line and type(s) is type(target))
        self._insert(target, [Row(new + r.text.removeprefix(old) if r.text.startswith(old) else r.text) for r in cut], after)

    def wrap(self, statement: ast.stmt, head: str) -> None:
        """Put a statement under a new line, one level further in."""
        indent, top, bottom = self._indent(statement), first_line(statement) - 1, last_line(statement)
        if statements.spans_strings(statement):
            raise Refused("its texts would be indented")
        self._fits(statement, head)
        step = "\t" if indent.endswith("\t") else "    "
        rows = [Row(step * bool(row.text.strip()) + row.text, row.number, True) for row in self.rows[top:bottom]]
        self._put(top, bottom, [Row(indent + head + "\n"), *rows])

    def _span(self, statement: ast.stmt) -> tuple[int, int, int, int]:
        """First line from 0, line behind the last, first column, column behind the last; of a statement that holds others, its head."""
        body = getattr(statement, "body", None)
        if not isinstance(body, list):
            return statement.lineno - 1, last_line(statement), statement.col_offset, statement.end_col_offset or 0
        bottom = first_line(body[0]) - 1
        if bottom < statement.lineno:
            raise Refused("what it holds stands on its line")
        return statement.lineno - 1, bottom, statement.col_offset, len(self.rows[bottom - 1].text.rstrip().encode())

    def _indent(self, statement: ast.stmt) -> str:
        """The white space before a statement that has its lines for itself."""
        rows = [row.text for row in self.rows]
        if not statements.is_alone(rows, statement):
            raise Refused("other code stands on its line")
        return rows[statement.lineno - 1][: -len(rows[statement.lineno - 1].lstrip())]

    def _insert(self, statement: ast.stmt, rows: list[Row], after: bool) -> None:
        if after and isinstance(statement, _ENDS):
            raise Refused("nothing runs behind it")
        line = last_line(statement) if after else first_line(statement) - 1
        self._put(line, line, rows)

    def _fits(self, statement: ast.stmt, text: str) -> None:
        """Refuse a text of statements that uses names which are not known at a statement; a head may have nothing under it."""
        fits(self.tree, within(self.tree, statement.lineno), [tree_of(text)])

    def _put(self, top: int, bottom: int, rows: list[Row]) -> None:
        """Put lines for those from `top` to before `bottom`, counted from 0; then it must parse."""
        if top == len(self.rows) and top and not self.rows[-1].text.endswith("\n"):
            self.rows[-1].text += "\n"
        self.rows[top:bottom] = rows
        self.tree = statements.parsed(self.source)
