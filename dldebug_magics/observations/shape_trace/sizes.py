"""Which other layers could be built with another size, so that the one that broke is given what it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ...cures.batch_shapes import inputs_changed
from ...cures.layer_sizes import fitted
from ...cures.layers import given_to, rebuilt
from ...cures.pairs import mapped_to
from ...engine.evidence import Fix
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from .history import builder, is_input
from .reader import Wanted

if TYPE_CHECKING:
    from . import ShapeTrace

Repair = tuple[Fix, Callable[[Subject], Subject]]


def other_sizes(trace: ShapeTrace, found: Wanted) -> Iterator[Repair]:
    """The layer before it, built to give what this one reads; the layers of its list, each for what it is given; other channels."""
    before = builder(trace, found.got)
    if before is not None:
        row, setting = before
        code = f"{module_expression(trace.name, row.path)} = nn.{row.kind}({setting}={found.size}, ...)   # best where it is built"
        fix = Fix(f"Or build the layer before it, `{row.path}`, for {found.size}.", code, f"{setting}={found.size} in `{row.path}`")
        yield fix, rebuilt(row.path, **{setting: found.size})
    owner, _, name = found.path.rpartition(".")
    if name.isdigit() and found.setting.startswith("in_") and not found.parameter and all(row.path != owner for row in trace.rows):
        done = f"each {found.kind} in `{owner}` built for what it is given"
        code = f"nn.{found.kind}({found.setting}=..., ...)   # here {found.got}, in the next ones what the layers before have added to"
        fix = Fix(f"Build each {found.kind} in `{owner}` for what it is given.", code, done)
        yield fix, fitted(owner, found.setting, found.axis - len(found.given.shape))
    yield from _other_channels(trace, found)
    if found.family == "attention":
        fix = Fix(f"Or map the input to {found.size} features.", f"nn.Linear({found.got}, {found.size})(x)", "a linear layer in front")
        yield fix, given_to(found.path, lambda x: mapped_to(x, x.new_empty(found.size)) if x.shape[-1] == found.got else x)


def _other_channels(trace: ShapeTrace, found: Wanted) -> Iterator[Repair]:
    """Pictures of other colours than the network is for."""
    if found.family != "conv" or not is_input(trace, found.given) or found.axis != 1:
        return
    if found.got == 1:
        code = f"x = x.expand(-1, {found.size}, {', '.join(['-1'] * found.spatial)})"
        change = lambda x: x.expand(-1, found.size, *(-1,) * found.spatial)  # noqa: E731
        yield Fix("Or repeat the one channel.", code, f"{found.size} channels"), inputs_changed(change, found.given.shape)
    elif found.size == 1:
        fix = Fix("Or make the pictures grey.", "x = x.mean(1, keepdim=True)", "grey pictures")
        yield fix, inputs_changed(lambda x: x.mean(1, keepdim=True), found.given.shape)
    elif found.got == found.size + 1:
        fix = Fix("Or drop the channel of transparency.", f"x = x[:, :{found.size}]", f"{found.size} channels")
        yield fix, inputs_changed(lambda x: x[:, : found.size], found.given.shape)
