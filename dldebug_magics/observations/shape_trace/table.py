"""The rows as a table: nested, folded where it is deep or repeats itself, with totals below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ...document import Branch, Tree
from ...instruments.forms import Form
from ...instruments.trace.clock import Span
from .folding import Node, folded, leaves, nested
from .row import Row
from .words import amount, cell_of_time, short, shown

_FEW = 40  # rows that are shown as they are, however deep
_SHAPING = frozenset(  # operations that are told an axis or a shape
    "view reshape unflatten flatten permute transpose swapaxes swapdims movedim squeeze unsqueeze squeeze_ unsqueeze_ expand repeat "
    "repeat_interleave tile cat concat stack chunk split narrow select roll flip sum mean prod std var norm amax amin argmax argmin "
    "max min softmax log_softmax softmin cumsum topk sort unbind unfold glu normalize logsumexp any all".split()
)
_AXES = frozenset(("dim", "dim0", "dim1", "dims", "axis", "start_dim", "end_dim", "source", "destination", "shape", "size"))
HERE = "HERE IT BREAKS"


def tree(rows: Sequence[Row], idle: Sequence[Row], depth: int) -> Tree:
    """The table. depth: how many levels stand open where there are many rows; 0: all, or two."""
    whole = nested(rows)
    nodes = folded(whole)
    many = sum(node.count for node in nodes) > _FEW
    view = _View([*rows, *idle], depth or (2 if many else 99))
    branches = [view.branch(node, "", 0) for node in nodes]
    branches += [Branch(view.cells(Node(row), "", True)) for row in idle]
    last = view.totals(rows, idle, list(leaves(whole)))
    used = [place for place in range(len(view.columns)) if place < 3 or any(_filled(branch, place) for branch in branches)]
    caption = " ".join(part for part in ("The shapes, call by call.", *view.notes(nodes)) if part)
    columns = [view.columns[place] for place in used]
    return Tree(caption, columns, [_kept(branch, used) for branch in branches], [last[place] for place in used])


def _filled(branch: Branch, place: int) -> bool:
    return bool(branch.cells[place]) or any(_filled(below, place) for below in branch.below)


def _kept(branch: Branch, used: Sequence[int]) -> Branch:
    return Branch(tuple(branch.cells[place] for place in used), tuple(_kept(below, used) for below in branch.below), branch.open)


class _View:
    """How one trace's rows are written."""

    columns = ("call", "input", "output", "parameters", "trainable", "FLOPs", "weights", "activations", "forward", "backward")

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
        below = tuple(self.branch(inner, node.row.path, level + 1) for inner in node.below)
        return Branch(self.cells(node, above, open), below, open)

    def cells(self, node: Node, above: str, open: bool) -> tuple[str, ...]:
        """The cells of one row."""
        row = node.row
        inside = [row] if open else list(node.all())
        parameters, trainable = sum(r.parameters for r in inside), sum(r.trainable for r in inside)
        own = f"{parameters:,}" if parameters else "counted above" if row.again else ""
        return (
            _call(node, above),
            self.listed(row.inputs),
            HERE if row.failed else self.listed(row.outputs),
            own,
            f"{trainable:,}" if parameters and self.frozen else "",
            short(row.flops),
            amount(sum(r.parameter_bytes for r in inside)),
            amount(row.new_bytes),
            cell_of_time(row.forward),
            cell_of_time(row.backward),
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
            cell_of_time(_sum([row.forward for row in top])),
            cell_of_time(_sum([row.backward for row in top])),
        )

    def listed(self, found: tuple[Form, ...], most: int = 3) -> str:
        """Some shapes in a row."""
        more = f" and {len(found) - most} more" if len(found) > most else ""
        return ", ".join(shown(form, self.dtype, self.device) for form in found[:most]) + more

    def notes(self, nodes: Sequence[Node]) -> Iterable[str]:
        """What the reader must know."""
        if self.dtype != "float32" or self.device != "cpu":
            yield f"Where nothing else is said: {self.dtype}, on {self.device}."
        times = max(map(_repeated, nodes), default=1)
        if times > 1:
            yield f"x {times}: {times} equal calls in a row; the numbers are those of one."
        names = {name for node in nodes for row in node.all() for form in (*row.inputs, *row.outputs) for name in form.names}
        yield "N: the batch; T: the time." if "T" in names else "N: the batch." if "N" in names else ""


def _repeated(node: Node) -> int:
    return max(node.times, *map(_repeated, node.below), 1)


def _sum(spans: Sequence[Span]) -> Span:
    return Span(*(sum(getattr(span, end) for span in spans) for end in ("median", "least", "most")))


def _call(node: Node, above: str) -> str:
    """A module by its path within the one around it, an operation by its name and its plain arguments."""
    row, times = node.row, f" x {node.times}" if node.times > 1 else ""
    if not row.is_module:
        told = row.settings.items() if row.kind in _SHAPING else ()
        given = [f"{value}" if name.isdigit() else f"{name}={value}" for name, value in told if name.isdigit() or name in _AXES]
        kind = row.kind.removeprefix("__").removesuffix("__")
        return f"{kind}({', '.join(given)}){times}" if given else f"{kind}{times}"
    name, last = (path.removeprefix(f"{above}.") if above else path for path in (row.path, node.last))
    called = f"{name} to {last}" if last != name else name
    dim = f", dim={row.settings['dim']}" if "oftmax" in row.kind and "dim" in row.settings else ""
    never = ": not called" if row.phase == "never" else ""
    return f"{called} {row.kind}{dim}{times}{never}".strip()
