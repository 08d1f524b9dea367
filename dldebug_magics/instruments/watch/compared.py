"""One comparison of predictions with labels, and one count of hits or mean of a loss, as the user's own code makes them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..source_lines import Line
from .choices import Choice
from .counted import Counted
from .trails import Trail

_ALIKE = frozenset(("eq", "ne"))
_APART = frozenset("sub rsub mse_loss l1_loss smooth_l1_loss huber_loss".split())
HELD_AGAINST = _ALIKE | _APART


class Compared(NamedTuple):
    """`left` and `right` are the shapes that met, `result` that of what came of it (None: it raised).

    `choice`: how the predictions were made. `agreed`: the share of pairs that are equal; `meant`: of those that would be, had the choice
    been made in the usual way (NaN: unknown).
    `ordered`: the other side rises from entry to entry, as a list of classes or of thresholds does, and labels do not.
    """

    line: Line
    function: str
    choice: Choice
    left: tuple[int, ...]
    right: tuple[int, ...]
    result: tuple[int, ...] | None
    agreed: float = math.nan
    meant: float = math.nan
    ordered: bool = False
    step: int = -1
    evaluating: bool = True

    @property
    def widens(self) -> bool:
        """Whether N numbers and N others made a table of N x N, which nobody asked for."""
        few = math.prod(self.left)
        met = few == math.prod(self.right) > 1 and len(self.left) != len(self.right) and not self.choice.widened
        return met and self.result is not None and math.prod(self.result) > few


class Scored(NamedTuple):
    """What was seen of the user's own metrics."""

    compared: tuple[Compared, ...] = ()
    counted: tuple[Counted, ...] = ()


NOT_SCORED = Scored()


def compared(name: str, trail: Trail, pair: list[Tensor], other: Tensor, result: Any) -> Compared | None:
    """What is to be known of a comparison of something followed with another; None where nothing can be said of it."""
    if trail.choice is None or (result is not None and not isinstance(result, Tensor)):
        return None
    broadcast = tuple(torch.broadcast_shapes(*(t.shape for t in pair))) if result is not None else None
    seen = Compared(Line(), name, trail.choice, tuple(pair[0].shape), tuple(pair[1].shape), broadcast)
    flat, meant = other.detach().flatten(), trail.meant
    seen = seen._replace(ordered=len(flat) > 1 and bool((flat[1:] > flat[:-1]).all()))
    if name in _ALIKE and result is not None and result.numel():
        share = float(result.float().mean())
        seen = seen._replace(agreed=share if name == "eq" else 1 - share)
    if name in _ALIKE and meant is not None and meant.numel() == other.numel():
        seen = seen._replace(meant=float((meant.reshape(other.shape) == other).float().mean()))
    return seen
