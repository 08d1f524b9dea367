"""Softmax calls: over which axis they normalise, and which of them are fed straight into another."""

from __future__ import annotations

from torch import Tensor

from .calls import Call, closing

SOFTMAXES = frozenset(("softmax", "log_softmax"))


def axis_of(call: Call) -> int:
    """The axis of a call's result that it normalises; torch's own choice where none was given.

    >>> import torch
    >>> from torch import nn
    >>> from .calls import Calls
    >>> with Calls(SOFTMAXES, nn.Identity()) as calls:
    ...     _ = torch.zeros(2, 3).softmax(-1), nn.Softmax(dim=0)(torch.zeros(2, 3))
    >>> [axis_of(call) for call in calls.made]
    [1, 0]
    """
    axis, number = call.argument(1, "dim"), call.result.ndim
    if not isinstance(axis, int):
        return 0 if number in (0, 1, 3) else 1
    return axis % max(number, 1)


def length(call: Call) -> int:
    """How many entries the normalised axis has."""
    return call.result.shape[axis_of(call)] if call.result.ndim else 1


def fed_by(call: Call, calls: list[Call]) -> Call | None:
    """The earlier call whose probabilities enter this one through nothing but reshaping, and along the same axis."""
    given, earlier = call.argument(0, "input"), calls[: next(i for i, other in enumerate(calls) if other is call)]
    found = closing(given, earlier) if isinstance(given, Tensor) and given.ndim else None
    if found is None or found.name != "softmax":
        return None
    sums = given.detach().float().sum(axis_of(call))
    return found if bool(((sums - 1).abs() < 1e-3).all()) else None
