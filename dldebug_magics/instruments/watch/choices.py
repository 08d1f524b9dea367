"""How predictions come from a model's output, call by call: an index of the largest, a threshold, a rounding, and what lies between."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..source_lines import Line

_SAME = frozenset("detach cpu cuda to float double half bfloat16 long int bool type type_as clone contiguous data squeeze".split())
_MOVING = frozenset("view reshape flatten unflatten transpose permute t T mT movedim select getitem get unbind chunk split where".split())
_THROUGH = frozenset(("softmax", "log_softmax", "sigmoid", "exp"))
_LARGEST = frozenset(("argmax", "max"))
_OVER = frozenset(("gt", "ge", "greater", "greater_equal"))
_ADDING_AXES = frozenset(("unsqueeze", "expand", "expand_as"))


class Choice(NamedTuple):
    """What a tensor is to the output that it was made of, which had this `shape`.

    how: "" for the output itself, "argmax" over an `axis` (None: over all entries at once), "threshold" at a `limit`, or "round".
    through: an activation on the way. plain: nothing was moved from axis to axis. widened: an axis was added on purpose.
    low, high: the span of what was held against the limit. line: where the choice was made.
    """

    how: str = ""
    shape: tuple[int, ...] = ()
    axis: int | None = None
    limit: float = math.nan
    through: str = ""
    plain: bool = True
    widened: bool = False
    low: float = math.nan
    high: float = math.nan
    line: Line = Line()


def chosen(name: str, before: Choice, args: tuple, kwargs: Mapping[str, Any]) -> Choice | None:
    """What comes of a call with something that was made of an output as its first argument; None where that is of no interest.

    >>> chosen("argmax", Choice(shape=(8, 4)), (torch.zeros(8, 4), 0), {}).axis
    0
    """
    if name in _SAME:
        return before
    if name in _MOVING or name in _ADDING_AXES:
        widens = name in _ADDING_AXES or (name == "getitem" and _adds_an_axis(args[1]))
        return before._replace(plain=False, widened=before.widened or widens)
    if before.how:
        return None
    if name in _THROUGH:
        return before._replace(through=name)
    first = args[0] if args else None
    if name in _LARGEST and isinstance(first, Tensor):
        return _largest(name, before, first, args, kwargs)
    if name == "round" or name in _OVER:
        limit = 0.5 if name == "round" else args[1] if len(args) > 1 else kwargs.get("other")
        if isinstance(limit, (int, float)) and isinstance(first, Tensor) and first.numel() and first.is_floating_point():
            low, high = (float(end) for end in torch.aminmax(first.detach()))
            return before._replace(how="round" if name == "round" else "threshold", limit=float(limit), low=low, high=high)
    return None


def _largest(name: str, before: Choice, first: Tensor, args: tuple, kwargs: Mapping[str, Any]) -> Choice | None:
    axis = args[1] if len(args) > 1 else kwargs.get("dim", kwargs.get("axis"))
    if isinstance(axis, Tensor) or (name == "max" and axis is None):
        return None  # the larger of two, or the largest value itself
    over = axis % first.ndim if isinstance(axis, int) and first.ndim else None
    return before._replace(how="argmax", axis=over, shape=tuple(first.shape), plain=before.plain and tuple(first.shape) == before.shape)


def otherwise(choice: Choice, first: Tensor) -> Tensor | None:
    """The predictions that were meant: the largest over the classes, a threshold at even odds; None where nothing else may be meant."""
    if choice.how == "argmax" and choice.plain and len(choice.shape) == 2 and choice.axis != 1:
        return first.detach().argmax(1)
    if choice.how in ("threshold", "round") and not choice.through and choice.limit == 0.5:
        return first.detach() > 0
    return None


def _adds_an_axis(index: Any) -> bool:
    return index is None or (isinstance(index, tuple) and any(part is None for part in index))
