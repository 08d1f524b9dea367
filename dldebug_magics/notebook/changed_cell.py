"""The user's own cell with a fix in it, and the lines behind it that make the program anew: what they would have typed themselves.

Nothing is run and nothing is guessed: where the cell is not known to the letter (a module's file, magics in it, defined anew since), or
what hangs on it can't be made by lines of theirs, there is no such cell.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
import linecache
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any

from ..engine.edits import Edit, Either, corrected, made_name
from ..engine.edits.statements import Refused, parsed
from ..instruments.cells import cell_number
from .remade import remade
from .typed import Statement, statements

_MOST = 64  # ways to make a fix that are looked at
_FILE = ""  # all edits of one way are of one cell


class Typed:
    """What was typed into a notebook, cell by cell."""

    def __init__(self, cells: Sequence[str]):
        self.cells = cells
        self.statements = statements(cells)

    def changed(self, edits: Sequence[Edit], asked: Container[str], wanted: Iterable[str]) -> str | None:
        """The cell with the edits made, and what is to be made anew of the names that are wanted; None where that is not certain.

        asked: the names that the report is about, for whose making an edit may be.
        """
        choices = [list(self._ways(edit, asked)) for edit in edits]
        for way in itertools.islice(itertools.product(*choices), _MOST):
            numbers = {number for number, _ in way}
            text = self._corrected(min(numbers), [edit for _, edit in way]) if len(numbers) == 1 else None
            if text is not None:
                return self._whole(min(numbers), text, wanted)
        return None

    def _corrected(self, number: int, edits: Sequence[Edit]) -> str | None:
        """A cell with edits made at lines that hold one statement each."""
        return None if self._crowded(number) & {edit.spot[1] for edit in edits} else corrected(self.cells[number], edits)

    def _crowded(self, number: int) -> set[int]:
        """The lines of a cell on which several statements begin: which of them was seen, is not known."""
        try:
            nodes = list(ast.walk(parsed(self.cells[number])))
        except Refused:
            return set()
        begun = [node.lineno for node in nodes if isinstance(node, ast.stmt) and not hasattr(node, "body")]
        return {line for line in begun if begun.count(line) > 1}

    def _whole(self, number: int, text: str, wanted: Iterable[str]) -> str | None:
        try:
            following = remade(self._without_repeats(number), number, wanted)
        except Refused:
            return None
        return "\n".join([text.rstrip("\n"), *([""] if following else []), *following])

    def _without_repeats(self, number: int) -> list[Statement]:
        """The statements, apart from those of a cell that was run again as it is."""
        return [s for s in self.statements if s.cell == number or self.cells[s.cell] != self.cells[number]]

    def _ways(self, edit: Edit, asked: Container[str]) -> Iterator[tuple[int, Edit]]:
        """An edit at each place where it may be meant, with the number of its cell."""
        if isinstance(edit, Either):
            for choice in edit.choices:
                yield from self._ways(choice, asked)
            return
        name = made_name(edit.spot)
        if name:
            yield from self._at_its_making(edit, name) if name in asked else ()
            return
        number = self._as_typed(edit.spot[0])
        if number is not None:
            yield number, _placed(edit, edit.spot[1])

    def _at_its_making(self, edit: Edit, name: str) -> Iterator[tuple[int, Edit]]:
        """The edit of the only statement that allows it, of those that make a thing and what it is made of."""
        found: dict[tuple[int, str], Edit] = {}
        for statement in self._makers(name, edit.spot[1]):
            placed = _placed(edit, statement.line)
            text = self._corrected(statement.cell, [placed]) if statement.plain else None
            if text is not None:
                found.setdefault((statement.cell, text), placed)
        for number, _ in found if len(found) == 1 and not re.search(r"^\s*[%!]", self.cells[next(iter(found))[0]], re.MULTILINE) else ():
            yield number, next(iter(found.values()))

    def _makers(self, name: str, depth: int) -> list[Statement]:
        """The statement that sets a name last, and those that set last before it what it reads."""
        found: list[Statement] = []
        pending = [(name, len(self.statements), depth)]
        while pending:
            word, end, left = pending.pop()
            last = max((i for i, s in enumerate(self.statements[:end]) if word in s.sets), default=None)
            if last is not None and self.statements[last] not in found:
                found.append(self.statements[last])
                pending += [(read, last, left - 1) for read in self.statements[last].reads if left]
        return found

    def _as_typed(self, file: str) -> int | None:
        """The number of the cell whose code a file name stands for, if that is what was typed, to the letter."""
        number, code = cell_number(file), "".join(linecache.getlines(file))
        known = number is not None and 0 < number < len(self.cells) and bool(code)
        return number if known and self.cells[number].rstrip() == code.rstrip() else None  # type: ignore[index]


def _placed(edit: Edit, line: int) -> Edit:
    """An edit at a line of the one cell that it is for."""
    return dataclasses.replace(edit, spot=(_FILE, line))  # type: ignore[arg-type]


def typed_in(shell: Any) -> Typed:
    """What was typed into a shell."""
    return Typed(list(getattr(getattr(shell, "history_manager", None), "input_hist_raw", ())))
