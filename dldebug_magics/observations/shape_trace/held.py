"""What the model itself could have in another size: positions, and the padding of a way up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ...cures.layers import rebuilt, resized
from ...cures.pairs import cut, paired
from ...engine.evidence import Fix
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from .failure import Failure

if TYPE_CHECKING:
    from . import ShapeTrace

Repair = tuple[Fix, Callable[[Subject], Subject]]


def of_held(trace: ShapeTrace, failure: Failure, two: tuple[int, int]) -> Iterator[Repair]:
    """A parameter or buffer, such as learned positions, that is longer or shorter than what it is added to."""
    for changed, place in enumerate(two):
        origin, own, other = failure.origins[place], failure.inputs[place].shape, failure.inputs[two[1 - changed]].shape
        if origin.kind not in ("parameter", "buffer") or len(own) > len(other):
            continue
        like = tuple(n if m != 1 else 1 for m, n in zip(own, other[len(other) - len(own) :], strict=True))
        name = module_expression(trace.name, origin.name)
        if all(m >= n for m, n in zip(own, like, strict=True)):
            fix = Fix(f"Use as much of `{origin.name}` as there is input.", f"{name}[:, : x.shape[1]]", f"`{origin.name}` cut to {like}")
            yield fix, paired(failure.operation, changed, cut)
        else:
            fix = Fix(f"Make `{origin.name}` as large as its input.", f"{name}: {' x '.join(map(str, like))}", f"`{origin.name}` of {like}")
            yield fix, resized(origin.name, like)


def upsampled(trace: ShapeTrace, a: tuple[int, ...], b: tuple[int, ...]) -> Iterator[Repair]:
    """The last transposed convolution with the padding that its stride has swallowed."""
    row = next((row for row in reversed(trace.rows) if row.kind.startswith("ConvTranspose") and row.outputs), None)
    if row is None or len(a) < 3:
        return
    spatial = len(row.outputs[0].shape) - 2
    ends, other = (a, b) if a[-spatial:] == row.outputs[0].shape[-spatial:] else (b, a)
    missing = tuple(n - m for m, n in zip(ends[-spatial:], other[-spatial:], strict=True))
    if ends[-spatial:] != row.outputs[0].shape[-spatial:] or not all(
        0 <= m < s for m, s in zip(missing, row.settings["stride"], strict=True)
    ):
        return
    if any(missing):
        code = f"{module_expression(trace.name, row.path)} = nn.{row.kind}(..., output_padding={max(missing)})"
        fix = Fix(f"Build `{row.path}` with output_padding={max(missing)}.", code, f"output_padding={max(missing)} in `{row.path}`")
        yield fix, rebuilt(row.path, output_padding=missing)
