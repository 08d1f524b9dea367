"""Multiplications by a weight, as a graph keeps them: which weight it was, and the same product in float32."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from .fed import saved
from .losses import kind

LINEAR = frozenset("Addmm Mm Convolution".split())
_BETWEEN = frozenset("T Transpose ToCopy View UnsafeView Alias Permute".split())
_NODES = 5000
_SETTINGS = ("stride", "padding", "dilation", "transposed", "output_padding", "groups")


def nodes_of(root: Any) -> list[Any]:
    """The nodes of a graph in the order in which they were made; of a large one, those near the end."""
    return sorted(_nodes(root), key=lambda node: node._sequence_nr())


def _nodes(root: Any) -> Iterator[Any]:
    pending, seen, place = [root], {root}, 0
    while place < len(pending) and place < _NODES:
        node = pending[place]
        place += 1
        yield node
        fresh = [parent for parent, _ in node.next_functions if parent is not None and parent not in seen]
        seen.update(fresh)
        pending.extend(fresh)


def weight_of(node: Any) -> Tensor | None:
    """The matrix or filter that a multiplication is by: the last of what went in that is a parameter, or one cast or transposed.

    >>> layer = torch.nn.Linear(3, 2)
    >>> weight_of(layer(torch.ones(4, 3)).grad_fn) is layer.weight
    True
    """
    return next((weight for weight, _ in _weights(node)), None)


def _weights(node: Any) -> Iterator[tuple[Tensor, bool]]:
    """Parameters that went into a node as they are, or cast or transposed; the second says whether turned."""
    for parent, _ in reversed(node.next_functions):
        turned = False
        for _ in range(4):
            if parent is None or kind(parent) not in _BETWEEN:
                break
            turned = turned != (kind(parent) in ("T", "Transpose"))
            parent = parent.next_functions[0][0]
        variable = getattr(parent, "variable", None)
        if isinstance(variable, Tensor) and variable.ndim > 1:
            yield variable, turned


def overflow(node: Any) -> Tensor | None:
    """The result in float32 of a multiplication in float16 whose factors are finite and whose result is beyond 65504; else None."""
    one, other = _factors(node)
    if not all(isinstance(t, Tensor) and t.dtype is torch.float16 and bool(torch.isfinite(t).all()) for t in (one, other)):
        return None
    if kind(node) == "Convolution":
        settings = (saved(node, name) for name in _SETTINGS)
        result = torch.ops.aten.convolution(one.float(), other.float(), None, *settings)
    else:
        result = one.float() @ other.float()
    return result if float(result.abs().max()) > torch.finfo(torch.float16).max else None


def _factors(node: Any) -> tuple[Any, Any]:
    """What was multiplied. A graph does not keep the weight where nothing before it is trained; then it is the parameter's own."""
    names = ("input", "weight") if kind(node) == "Convolution" else ("mat1", "mat2") if kind(node) == "Addmm" else ("self", "mat2")
    one, other = (saved(node, name) for name in names)
    if other is None:
        other = next((w.detach().t() if turned else w.detach() for w, turned in _weights(node)), None)
        other = None if other is None else other.half()
    return (one.detach() if isinstance(one, Tensor) else one), (other.detach() if isinstance(other, Tensor) else other)
