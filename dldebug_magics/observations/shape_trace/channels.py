"""Channels on the last axis, or without an axis, in front of a layer that reads them on axis 1."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from ...instruments.forms import Form
from .history import is_input, samples
from .reader import Wanted
from .wanted import wanted

if TYPE_CHECKING:
    from . import ShapeTrace


@dataclasses.dataclass(frozen=True)
class Channels:
    """The layer, what it was given, how many channels it reads, and on which axis."""

    path: str
    words: str
    given: Form
    size: int
    axis: int = 1
    normalises: bool = False


def channels_last(trace: ShapeTrace) -> Channels | None:
    """The layer that broke because of it."""
    failure, found = trace.failure, wanted(trace.failure)
    if failure is None:
        return None
    if found is None:
        return _in_a_library(trace)
    shape = found.given.shape
    if not found.spatial or not found.fits_rank or len(shape) < 2 + (found.family == "norm") or found.got == found.size:
        return None
    if shape[-1] != found.size or (found.family == "norm" and found.spatial != 1):
        return None
    if found.unbatched and samples(trace) == shape[0]:
        return None  # rows of a table, not one sequence
    return Channels(found.path, found.words, found.given, found.size, found.axis, found.family == "norm")


def _in_a_library(trace: ShapeTrace) -> Channels | None:
    """A model that compares the channels itself, and says so."""
    failure = trace.failure
    if failure is None or failure.operation or not failure.inputs or "channel" not in failure.message:
        return None
    given, size = failure.inputs[0], failure.settings.get("num_channels", failure.settings.get("in_channels"))
    if len(given.shape) != 4 or given.shape[-1] != size or given.shape[1] == size or not is_input(trace, given):
        return None
    return Channels(failure.module, f"{failure.module_kind} `{failure.module}`", given, size)


@dataclasses.dataclass(frozen=True)
class Added:
    """An axis for the channels: what the input is then, how one writes it, and the change itself."""

    axes: str
    code: str
    change: Callable[[Tensor], Tensor]


def channel_axis(found: Wanted) -> Added | None:
    """What a batch without a channel axis is to become for this layer; None where it isn't one."""
    shape, size = found.given.shape, found.size
    words = f"{shape[0]} x {size} x {' x '.join(map(str, shape[1:]))}"
    if found.family == "recurrent" and found.unbatched and size == 1 and shape[-1] != 1:
        return Added(f"{found.given} x 1", "x.unsqueeze(-1)", lambda tensor: tensor.unsqueeze(-1))
    if found.family != "conv":
        return None
    if found.unbatched and found.spatial == 1 and shape[-1] == size > 1 and shape[0] != size:
        return Added(f"{found.given} x 1", "x.unsqueeze(-1)", lambda tensor: tensor.unsqueeze(-1))
    if found.unbatched and shape[0] != size and shape[-1] != size:
        if size == 1:
            return Added(words, "x.unsqueeze(1)", lambda tensor: tensor.unsqueeze(1))
        spread = ", ".join(("-1", str(size), *("-1",) * found.spatial))
        change = lambda tensor: tensor.unsqueeze(1).expand(-1, size, *(-1,) * found.spatial)  # noqa: E731
        return Added(words, f"x.unsqueeze(1).expand({spread})", change)
    side = math.isqrt(shape[1] // size) if found.spatial == 2 and len(shape) == 2 else 0
    if side < 2 or size * side * side != shape[1]:
        return None
    return Added(
        f"{shape[0]} x {size} x {side} x {side}", f"x.view(-1, {size}, {side}, {side})", lambda tensor: tensor.reshape(-1, size, side, side)
    )
