"""The rows as a table: nested, folded where it is deep or repeats itself, with totals below."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

from ...document import Branch, Tree
from ...instruments.forms import Form
from ...instruments.trace.clock import Span
from .called import called
from .folding import Node, folded, leaves, nested
from .row import Row
from .words import amount, milliseconds, short, shown

_FEW = 40  # rows that are shown as they are, however deep
_MANY = 120  # rows inside of one; of more the first and the last are shown
HERE = "HERE IT BREAKS"


def tree(rows: Sequence[Row], idle: Sequence[Row], depth: int) -> Tree:
    """The table. depth: how many levels stand open where there are many rows; 0: all, or two."""
    whole = nested(rows)
    nodes = folded(whole)
    many = sum(node.count for node in nodes) > _FEW
    view = _View([*rows, *idle], depth or (2 if many else 99))
    branches = [view.branch(node, "", 0) for node in nodes]
    branches += [Branch(view.cells(Node(row, last=row.path), "", True)) for row in idle]
    last = view.totals(rows, idle, list(leaves(whole)))
    used = [place for place in range(len(view.columns)) if place < 3 or any(_filled(branch, place) for branch in branches)]
    closed = "Of folded rows the parameters inside are told." if any(map(_closed, branches)) else ""
    caption = " ".join(part for part in ("The shapes, call by call.", *view.notes(nodes), closed) if part)
    columns = [view.columns[place] for place in used]
    return Tree(caption, columns, [_kept(branch, used) for branch in branches], [last[place] for place in used])


def _filled(branch: Branch, place: int) -> bool:
    return bool(branch.cells[place]) or any(_filled(below, place) for below in branch.below)


def _closed(branch: Branch) -> bool:
    return bool(branch.below) and (not branch.open or any(map(_closed, branch.below)))


def _kept(branch: Branch, used: Sequence[int]) -> Branch:
    return Branch(tuple(branch.cells[place] for place in used), tuple(_kept(below, used) for below in branch.below), branch.open)


class _View:
    """How one trace's rows are written."""

    columns = ("call", "input", "output", "parameters", "trainable", "FLOPs", "weights", "activations", "forward, ms", "backward, ms")

    def __init__(self, rows: Sequence[Row], depth: int):
        self.depth = depth
        found = [form for row in rows for form in (*row.inputs, *row.outputs)]
        floats = Counter(form.dtype for form in found if form.dtype.startswith(("float", "bfloat")))
        devices = Counter(form.device for form in found)
        self.dtype = floats.most_common(1)[0][0] if floats else "float32"
        self.device = devices.most_common(1)[0][0] if devices else "cpu"
        self.frozen = any(row.trainable < row.parameters for row in rows)

    def branch(self, node: Node, above: str, level: int) -> Branch:
        """A node with all below it."""
        open = level < self.depth or node.failed
        below = [self.branch(inner, node.row.path, level + 1) for inner in node.below]
        if len(below) > _MANY:
            left_out = below[_MANY // 2 : -_MANY // 2]
            count = sum(branch.rows for branch in left_out)
            gap = Branch((f"... {count:,} more rows", *[""] * (len(self.columns) - 1)))
            below = [*below[: _MANY // 2], gap, *below[-_MANY // 2 :]]
        return Branch(self.cells(node, above, open), tuple(below), open)

    def cells(self, node: Node, above: str, open: bool) -> tuple[str, ...]:
        """The cells of one row."""
        row = node.row
        inside = [row] if open else list(node.all())
        parameters, trainable = sum(r.parameters for r in inside), sum(r.trainable for r in inside)
        own = f"{parameters:,}" if parameters else "counted above" if row.again else ""
        return (
            called(node, above),
            self.listed(row.inputs),
            HERE if row.failed else self.listed(row.outputs),
            own,
            f"{trainable:,}" if parameters and self.frozen else "",
            short(row.flops),
            amount(sum(r.parameter_bytes for r in inside)),
            amount(row.new_bytes),
            milliseconds(row.forward),
            milliseconds(row.backward),
        )

    def totals(self, rows: Sequence[Row], idle: Sequence[Row], ends: Iterable[Row]) -> tuple[str, ...]:
        """The last row. What is given counts where nothing else runs inside: a block hands on what its last layer gave."""
        top = [row for row in rows if row.depth == 0]
        holding = [*rows, *idle]
        parameters, given = sum(row.parameters for row in holding), sum(row.new_bytes for row in ends)
        return (
            f"total of {len(rows)} calls",
            "",
            "",
            f"{parameters:,}" if parameters else "",
            f"{sum(row.trainable for row in holding):,}" if self.frozen else "",
            short(sum(row.flops for row in top)),
            amount(sum(row.parameter_bytes for row in holding)),
            amount(given),
            milliseconds(_sum([row.forward for row in top])),
            milliseconds(_sum([row.backward for row in top])),
        )

    def listed(self, found: tuple[Form, ...], most: int = 3) -> str:
        """Some shapes in a row, equal neighbours in one."""
        groups = [(shown(form, self.dtype, self.device), len(list(group))) for form, group in itertools.groupby(found)]
        more = sum(count for _, count in groups[most:])
        told = ", ".join(f"{count} of {text}" if count > 1 else text for text, count in groups[:most])
        return f"{told} and {more} more" if more else told

    def notes(self, nodes: Sequence[Node]) -> Iterable[str]:
        """What the reader must know."""
        if self.dtype != "float32" or self.device != "cpu":
            yield f"Where nothing else is said: {self.dtype}, on {self.device}."
        times = max(map(_repeated, nodes), default=1)
        if times > 1:
            yield f"x {times}: {times} equal calls in a row; the numbers are those of one."
        names = {name for node in nodes for row in node.all() for form in (*row.inputs, *row.outputs) for name in form.names}
        yield "N: the batch; T: the time, or the places of a sequence." if "T" in names else "N: the batch." if "N" in names else ""


def _repeated(node: Node) -> int:
    return max(node.times, *map(_repeated, node.below), 1)


def _sum(spans: Sequence[Span]) -> Span:
    return Span(*(sum(getattr(span, end) for span in spans) for end in ("median", "least", "most")))
