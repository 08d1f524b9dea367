"""What a loss is fed: the numbers that enter it, and the activation through which they came, as its graph tells."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .contents import values_word

_THROUGH = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid", "Relu": "relu", "Tanh": "tanh", "Log": "log"}
_RESHAPING = frozenset("View UnsafeView Reshape Squeeze Unsqueeze Transpose Permute T Alias Clone ToCopy Slice Select Expand".split())
_LARGE = 1_000_000  # entries that are looked at
_WRAPPED = 2**63  # negative axes are kept as their complement


class Fed(NamedTuple):
    """What entered. `through`: the activation it comes from ("" for none), over `axis` (-1: none) of `shape`, and `plain` without
    any reshaping since, its
    `number` in the graph; `twice`: what came before that.

    low, high: smallest and largest entry. to_one: each row's entries are at least 0 and sum to 1. unnormalised: how far the logarithm of
    the sum of each row's exponentials is from 0, at most (NaN: not looked at). samples: how many rows. target: a word for the values of
    what it is held against (0: not known).
    """

    through: str = ""
    axis: int = -1
    shape: tuple[int, ...] = ()
    plain: bool = True
    number: int = -1
    low: float = float("nan")
    high: float = float("nan")
    to_one: bool = False
    unnormalised: float = float("nan")
    samples: int = 0
    twice: tuple[str, int, tuple[int, ...], bool, int] = ("", -1, (), True, -1)
    target: int = 0

    @property
    def over_classes(self) -> bool:
        """Whether the activation goes over the axis on which torch's losses look for classes, as far as that can be told."""
        return not self.plain or self.axis == min(1, len(self.shape) - 1)

    def behind(self) -> Fed:
        """What entered the activation: a cross entropy is a likelihood loss of a log_softmax."""
        return Fed(*self.twice)._replace(samples=self.samples, target=self.target)


NOTHING = Fed()


def saved(node: Any, name: str) -> Any:
    """What a node keeps under a name; None where it has none, or a backward pass has freed it."""
    try:
        return getattr(node, f"_saved_{name}", None)
    except RuntimeError:
        return None


def fed(node: Any, function: str) -> Fed:
    """What entered a loss of torch's own."""
    first, given = node.next_functions[0][0] if node.next_functions else None, saved(node, "self")
    through, axis, shape, plain, number, source = _through(first)
    asked = saved(node, "index" if function == "likelihood" else "target")
    target = values_word(asked) if isinstance(asked, Tensor) else 0
    found = Fed(through, axis, shape, plain, number, twice=_through(source)[:5], target=target)
    if isinstance(given, Tensor) and given.is_floating_point() and 0 < given.numel() <= _LARGE and function != "likelihood":
        normal = through == "log_softmax" and plain and found.over_classes
        found = found._replace(samples=len(given) if given.ndim else 1, **_numbers(given.detach().float(), normal))
    return found


def _through(node: Any) -> tuple[str, int, tuple[int, ...], bool, int, Any]:
    """The activation that a value comes from through nothing but reshaping: its name, axis, shape, whether without any, and the
    node behind it."""
    plain = True
    while node is not None:
        name = str(node.name()).partition("Backward")[0]
        if name in _THROUGH:
            shape = tuple(node._input_metadata[0].shape)
            axis = saved(node, "dim")
            axis = -1 if not isinstance(axis, int) or not shape else (axis - 2 * _WRAPPED if axis >= _WRAPPED else axis) % len(shape)
            return _THROUGH[name], axis, shape, plain, node._sequence_nr(), node.next_functions[0][0]
        parents = [parent for parent, _ in node.next_functions if parent is not None]
        if name not in _RESHAPING or len(parents) != 1:
            break
        node, plain = parents[0], False
    return "", -1, (), True, -1, None


def _numbers(values: Tensor, normal: bool) -> dict[str, Any]:
    """`normal`: they come right out of a log_softmax over the classes, whose sum need not be asked for."""
    low, high = (float(end) for end in torch.aminmax(values))
    if normal:
        return {"low": low, "high": high, "to_one": False, "unnormalised": 0.0 if low > -math.inf else math.nan}
    rows = values.movedim(1, -1) if values.ndim > 1 else values.reshape(1, -1)
    to_one = rows.shape[-1] > 1 and low >= 0 and float((rows.sum(-1) - 1).abs().max()) <= 1e-3
    return {"low": low, "high": high, "to_one": to_one, "unnormalised": float(rows.logsumexp(-1).abs().max())}
