"""One row of the table of shapes: plain numbers and names, made from an entry of the trace once the pass is over."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from ...instruments.forms import Form
from ...instruments.source_lines import NOWHERE, Line
from ...instruments.trace.clock import NEVER, Span
from ...instruments.trace.entry import Entry


@dataclasses.dataclass(frozen=True)
class Row:
    """A call of a module (`is_module`), or an operation that the module `path` calls in its own forward.

    parameters: how many numbers the module itself holds, without its submodules; 0 where an earlier row has counted them (`again`).
    held: the same, however often it is counted. settings: the module's plain attributes (`in_features`), or the operation's plain
    arguments (by place or name). flops: everything below the call. new_bytes: the memory of what it returned, without views of what it
    was given. forward, backward: seconds, where they were asked for. phase: "forward", "loss", or "never"
    for a module that no call has shown.
    """

    depth: int
    path: str
    kind: str
    is_module: bool
    inputs: tuple[Form, ...]
    outputs: tuple[Form, ...]
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    parameters: int = 0
    trainable: int = 0
    again: bool = False
    flops: int = 0
    line: Line = NOWHERE
    phase: str = "forward"
    failed: bool = False
    held: int = 0
    parameter_bytes: int = 0
    new_bytes: int = 0
    forward: Span = NEVER
    backward: Span = NEVER

    @property
    def activation_bytes(self) -> int:
        """The memory of what it returned."""
        return sum(form.bytes for form in self.outputs)


def rows(entries: Sequence[Entry], failed: Entry | None) -> tuple[Row, ...]:
    """The rows of a pass; each parameter counts in the first row whose module holds it."""
    seen: set[int] = set()
    called = {id(entry.module) for entry in entries}
    return tuple(_row(entry, entry is failed, _held(entry, called), seen) for entry in entries)


def idle(model: nn.Module, entries: Sequence[Entry]) -> tuple[Row, ...]:
    """A row for each module with parameters of its own that no call has shown: never called, or called by nobody but itself."""
    called = {id(entry.module) for entry in entries}
    seen = {id(p) for entry in entries for p in _held(entry, called)}
    found = []
    for path, module in model.named_modules():
        new = [p for p in _ready(module.parameters(recurse=False)) if id(p) not in seen]
        seen.update(map(id, new))
        if new:
            found.append(_counted(Row(0, path, type(module).__name__, True, (), (), phase="never"), new))
    return tuple(found)


def counted(model: nn.Module) -> tuple[int, int]:
    """How many numbers a model learns in all, and how many of them are trainable; shared ones count once."""
    own = _ready(model.parameters())
    return sum(p.numel() for p in own), sum(p.numel() for p in own if p.requires_grad)


def _held(entry: Entry, called: set[int]) -> list[nn.Parameter]:
    """The parameters that a call stands for: the module's own, and those of layers that one of torch's layers uses without calling them."""
    if entry.module is None:
        return []
    found, pending = [], [entry.module]
    while pending:
        module = pending.pop()
        found += _ready(module.parameters(recurse=False))
        pending += [below for below in module.children() if id(below) not in called] if entry.is_torchs else []
    return found


def _ready(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    return [parameter for parameter in parameters if not is_lazy(parameter)]


def _counted(row: Row, new: list[nn.Parameter]) -> Row:
    return dataclasses.replace(
        row,
        parameters=sum(p.numel() for p in new),
        trainable=sum(p.numel() for p in new if p.requires_grad),
        parameter_bytes=sum(p.numel() * p.element_size() for p in new),
    )


def _row(entry: Entry, failed: bool, own: list[nn.Parameter], seen: set[int]) -> Row:
    new = list({id(p): p for p in own if id(p) not in seen}.values())
    seen.update(map(id, new))
    row = Row(
        entry.depth,
        entry.path,
        entry.kind,
        entry.module is not None,
        entry.inputs,
        entry.outputs,
        settings(entry),
        again=bool(own) and not new,
        flops=entry.flops,
        line=entry.line,
        phase=entry.phase,
        failed=failed,
        held=sum(p.numel() for p in own),
        new_bytes=entry.new_bytes,
    )
    return _counted(row, new)


def settings(entry: Entry) -> dict[str, Any]:
    """A layer's plain attributes, or an operation's plain arguments.

    >>> from torch import nn
    >>> from dldebug_magics.instruments.trace.entry import Given
    >>> settings(Entry.of_module("head", nn.Linear(4, 2), Given(), 0))
    {'in_features': 4, 'out_features': 2}
    """
    if entry.module is None:
        return dict(entry.settings)
    held = {name: value for name, value in vars(entry.module).items() if not name.startswith("_") and name != "training"}
    return {name: value for name, value in held.items() if isinstance(value, (int, float, str, bool)) or _numbers(value)}


def _numbers(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, (int, float)) for item in value)
