"""The first loss that is no finite number: the operation of its graph that made it so, asked before the backward pass frees the graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..source_lines import Line
from .census import Census
from .fed import saved
from .linear import LINEAR, overflow, weight_of
from .settings import calling

_NODES = 5000
_NAMES = {
    "Log": ("log",), "Log2": ("log2",), "Log10": ("log10",), "Log1P": ("log1p",), "Div": ("/", "div", "true_divide"), "Exp": ("exp",),
    "Sqrt": ("sqrt",), "Rsqrt": ("rsqrt",), "Reciprocal": ("reciprocal", "/"), "Pow": ("**", "pow"), "LinalgVectorNorm": ("norm",),
}  # fmt: skip
_STEEP = ("Sqrt", "LinalgVectorNorm", "Rsqrt", "Pow")  # an endless slope at 0, of a value that is finite


class Spoilt(NamedTuple):
    """The loss of the step of this `number` was not finite. `because`: "operation", "weights" (spoilt by the step before), "inputs", "half"
    (a product by `weight` that float32 holds and float16 does not), or "".

    `operation`: its name, with the span of what went into it (or came out: `low` to `high`), and the user's `line`.
    """

    number: int
    because: str = ""
    operation: str = ""
    low: float = math.nan
    high: float = math.nan
    line: Line = Line()
    weight: str = ""


def spoilt(loss: Tensor, number: int, census: Census, line_of: Callable[[int], Line]) -> Spoilt:
    """What made this loss other than finite."""
    nodes = sorted(_nodes(loss.grad_fn), key=lambda node: node._sequence_nr())
    if any(not bool(torch.isfinite(p.detach()).all()) for p in census.weights()):
        steep = next((_kind(node) for node in nodes if _kind(node) in _STEEP), "")
        return Spoilt(number, "weights", steep.lower(), line=calling(_NAMES[steep], 4) if steep else Line())
    for node in nodes:
        if _kind(node) in ("NllLoss", "NllLoss2D") and saved(node, "reduction") == 1 and not bool(saved(node, "total_weight")):
            return Spoilt(number, "operation", "mean of no labels", line=line_of(node._sequence_nr()))
        found = _outside(node)
        if found is not None:
            line = line_of(node._sequence_nr())
            name = _NAMES[_kind(node)]
            return Spoilt(
                number, "operation", "division" if name[0] == "/" else name[0], *_span(found), line if line.place else calling(name, 4)
            )
        if _kind(node) in LINEAR and (beyond := overflow(node)) is not None:
            weight = weight_of(node)
            called = "" if weight is None else census.name_of(weight)
            return Spoilt(number, "half", _kind(node).lower(), *_span(beyond), line_of(node._sequence_nr()), called)
        entered = next((t for t in (saved(node, name) for name in ("mat1", "input", "self")) if isinstance(t, Tensor)), None)
        if entered is not None and entered.is_floating_point() and not bool(torch.isfinite(entered).all()):
            return Spoilt(number, "inputs", _kind(node).lower(), *_span(entered)) if _is_data(node) else Spoilt(number)
    return Spoilt(number)


def _is_data(node: Any) -> bool:
    """Whether nothing of the graph made what goes in."""
    place = 1 if _kind(node) == "Addmm" else 0
    return node.next_functions[place][0] is None


def _kind(node: Any) -> str:
    return str(node.name()).partition("Backward")[0]


def _outside(node: Any) -> Tensor | None:
    """What an operation was given, or what came out, where that is outside its domain."""
    name, given, result = _kind(node), saved(node, "self"), saved(node, "result")
    if name in ("Log", "Log2", "Log10", "Log1P") and isinstance(given, Tensor):
        return given if bool((given <= (-1 if name == "Log1P" else 0)).any()) else None
    if name == "Div":
        divisor = saved(node, "other")
        return divisor if isinstance(divisor, Tensor) and bool((divisor == 0).any()) else None
    if name in ("Exp", "Sqrt", "Rsqrt", "Reciprocal") and isinstance(result, Tensor):
        return result if not bool(torch.isfinite(result).all()) else None
    return None


def _span(values: Tensor) -> tuple[float, float]:
    known = values.detach().float()
    known = known[~known.isnan()]
    return (float(known.min()), float(known.max())) if known.numel() else (math.nan, math.nan)


def _nodes(root: Any) -> Iterator[Any]:
    pending, seen = [root], {root}
    while pending and len(seen) < _NODES:
        node = pending.pop()
        if node is not None:
            yield node
            fresh = [parent for parent, _ in node.next_functions if parent is not None and parent not in seen]
            seen.update(fresh)
            pending.extend(fresh)
