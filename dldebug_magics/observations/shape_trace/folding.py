"""The rows as a tree, with equal calls in a row folded into one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from .row import Row

_LONGEST = 4  # calls in a pattern that repeats itself, such as layer, norm, activation, sum


@dataclasses.dataclass
class Node:
    """A row, what runs inside it, and how often the same runs in a row; `last` is the path of the last one."""

    row: Row
    below: list[Node] = dataclasses.field(default_factory=list)
    times: int = 1
    last: str = ""

    @property
    def likeness(self) -> tuple:
        """What is equal in calls that are folded into one: all but their names, lines and times."""
        row = self.row
        told = "" if row.is_module else repr(sorted(row.settings.items()))  # of a module also its number among its like
        mine = (row.kind, row.is_module, row.inputs, row.outputs, row.held, row.flops, row.failed, row.phase, told)
        return (*mine, self.times, *(node.likeness for node in self.below))

    @property
    def count(self) -> int:
        """How many rows it takes."""
        return 1 + sum(node.count for node in self.below)

    @property
    def failed(self) -> bool:
        """Whether it breaks here, or somewhere below."""
        return self.row.failed or any(node.failed for node in self.below)

    def all(self) -> Iterable[Row]:
        """Its rows."""
        yield self.row
        for node in self.below:
            yield from node.all()


def nested(rows: Iterable[Row]) -> list[Node]:
    """The rows under those that they ran in."""
    top = Node(Row(-1, "", "", False, (), ()))
    above = [top]
    for row in rows:
        node = Node(row, last=row.path)
        while above[-1].row.depth >= row.depth:
            above.pop()
        above[-1].below.append(node)
        above.append(node)
    return top.below


def leaves(nodes: Iterable[Node]) -> Iterable[Row]:
    """The rows in which nothing else runs."""
    for node in nodes:
        yield from leaves(node.below) if node.below else (node.row,)


def folded(nodes: Sequence[Node]) -> list[Node]:
    """The same tree with what repeats itself folded, from the innermost calls outwards."""
    inner = [dataclasses.replace(node, below=folded(node.below)) for node in nodes]
    alike = [node.likeness for node in inner]
    found: list[Node] = []
    at = 0
    while at < len(inner):
        length, times = max(
            ((n, _repeats(alike, at, n)) for n in range(1, _LONGEST + 1)), key=lambda pair: (pair[0] * (pair[1] - 1), -pair[0])
        )
        saved = sum(node.count for node in inner[at : at + length]) * (times - 1)
        times = times if saved > 1 else 1
        length = length if times > 1 else 1
        for place in range(at, at + length):
            inner[place].times, inner[place].last = times, inner[place + length * (times - 1)].row.path
        found += inner[at : at + length]
        at += length * times
    return found


def _repeats(alike: Sequence[tuple], at: int, length: int) -> int:
    """How often the pattern that begins here stands in a row."""
    times = 1
    while alike[at : at + length] == alike[at + times * length : at + (times + 1) * length]:
        times += 1
    return times
