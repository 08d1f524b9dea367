"""One row of the table of shapes: plain numbers and names, made from an entry of the trace once the pass is over."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from torch.nn.parameter import is_lazy

from ...instruments.forms import Form
from ...instruments.source_lines import NOWHERE, Line
from ...instruments.trace.entry import Entry


@dataclasses.dataclass(frozen=True)
class Row:
    """A call of a module (`is_module`), or an operation that the module `path` calls in its own forward.

    parameters: how many numbers the module itself holds, without its submodules; 0 where an earlier row has counted them (`again`).
    settings: the module's plain attributes (`in_features`), or the operation's plain arguments (by place or name). flops: everything
    below the call. seconds: of the forward call, 0 unless it was asked for. phase: "forward" or "loss".
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
    seconds: float = 0.0
    line: Line = NOWHERE
    phase: str = "forward"
    failed: bool = False

    @property
    def activation_bytes(self) -> int:
        """The memory of what it returned."""
        return sum(form.bytes for form in self.outputs)


def rows(entries: Iterable[Entry], failed: Entry | None) -> tuple[Row, ...]:
    """The rows of a pass; each parameter counts in the first row whose module holds it."""
    counted: set[int] = set()
    return tuple(_row(entry, entry is failed, counted) for entry in entries)


def _row(entry: Entry, failed: bool, counted: set[int]) -> Row:
    own = [] if entry.module is None else [p for p in entry.module.parameters(recurse=False) if not is_lazy(p)]
    new = [p for p in own if id(p) not in counted]
    counted.update(map(id, new))
    return Row(
        entry.depth,
        entry.path,
        entry.kind,
        entry.module is not None,
        entry.inputs,
        entry.outputs,
        settings(entry),
        sum(p.numel() for p in new),
        sum(p.numel() for p in new if p.requires_grad),
        bool(own) and not new,
        entry.flops,
        0.0,
        entry.line,
        entry.phase,
        failed,
    )


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
