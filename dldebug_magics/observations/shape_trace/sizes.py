"""Which other layers could be built with another size, so that the one that broke is given what it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ...cures.layers import fitted, rebuilt
from ...engine.evidence import Fix
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from .history import builder
from .reader import Wanted

if TYPE_CHECKING:
    from . import ShapeTrace


def other_sizes(trace: ShapeTrace, found: Wanted) -> Iterator[tuple[Fix, Callable[[Subject], Subject]]]:
    """The layer before it, built to give what this one reads; and all layers of its list, each for what it is given."""
    before = builder(trace, found.got)
    if before is not None:
        row, setting = before
        code = f"{module_expression(trace.name, row.path)} = nn.{row.kind}({setting}={found.size}, ...)   # best where it is built"
        fix = Fix(f"Or build the layer before it, `{row.path}`, for {found.size}.", code, f"{setting}={found.size} in `{row.path}`")
        yield fix, rebuilt(row.path, **{setting: found.size})
    owner, _, name = found.path.rpartition(".")
    if name.isdigit() and found.setting.startswith("in_") and not found.parameter:
        done = f"each {found.kind} in `{owner}` built for what it is given"
        code = f"nn.{found.kind}({found.setting}=..., ...)   # here {found.got}, in the next ones what the layers before have added to"
        fix = Fix(f"Build each {found.kind} in `{owner}` for what it is given.", code, done)
        yield fix, fitted(owner, found.setting, found.axis - len(found.given.shape))
