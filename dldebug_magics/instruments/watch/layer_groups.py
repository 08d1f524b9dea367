"""The gradient of each layer group: where along a model it is large, and where it fades, in one number a group."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from .cast import Cast

_MOST = 40  # groups of a model; those behind are one


class LayerGroups:
    """Which group a parameter is of: the model's name and that of the part of the model that it lies in."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[weakref.ref, str]] = {}

    def norms(self, models: Cast, parameters: Iterable[Tensor]) -> tuple[tuple[str, float], ...]:
        """The norm of the gradient of each group among these parameters, in the model's order; without those that have none."""
        given = [p for p in parameters if p.grad is not None and p.grad.layout in (torch.strided, torch.sparse_coo)]
        squares: dict[str, float] = {}
        for p, norm in zip(given, _norms([p.grad.detach() for p in given if p.grad is not None]), strict=True):
            name = self._of(models, p)
            squares[name] = squares.get(name, 0.0) + norm**2
        return tuple((name, math.sqrt(square)) for name, square in squares.items())

    def _of(self, models: Cast, p: Tensor) -> str:
        seen = self.known.get(id(p))
        if seen is None or seen[0]() is not p:
            self.known = {key: (reference, name) for key, (reference, name) in self.known.items() if reference() is not None}
            for place, model in models.alive():
                for name, parameter in named_groups(model, models.parts[place].name or type(model).__name__):
                    self.known.setdefault(id(parameter), (weakref.ref(parameter), name))
            seen = self.known.setdefault(id(p), (weakref.ref(p), "other parameters"))
        return seen[1]


def named_groups(model: nn.Module, path: str) -> Iterator[tuple[str, Tensor]]:
    """Each parameter of a model with its group: the child that it lies in. A wrapper around one child is passed through.

    >>> net = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1, bias=False)))
    >>> [name for name, _ in named_groups(net, "net")]
    ['net.0.0', 'net.0.0', 'net.0.2']
    """
    inside = [(name, child) for name, child in model.named_children() if next(child.parameters(), None) is not None]
    own = list(model.parameters(recurse=False))
    if len(inside) == 1 and not own:
        name, child = inside[0]
        yield from named_groups(child, path if name == "_orig_mod" else f"{path}.{name}")
        return
    yield from ((path, p) for p in own)
    for place, (name, child) in enumerate(inside):
        yield from ((f"{path}.{name}" if place < _MOST else f"{path}, further parts", p) for p in child.parameters())


def _norms(gradients: list[Tensor]) -> list[float]:
    """The norm of each; all at once where they are alike, so that an accelerator is waited for once."""
    kinds = {(g.device, g.layout, g.dtype) for g in gradients}
    if len(kinds) == 1 and gradients[0].layout is torch.strided and gradients[0].dtype in (torch.float32, torch.float64):
        return torch.stack(torch._foreach_norm(gradients)).tolist()
    return [_norm(gradient) for gradient in gradients]


def _norm(gradient: Tensor) -> float:
    """In single precision at least: squares of half a precision are soon infinite."""
    if gradient.is_sparse:
        gradient = gradient.coalesce().values()
    wide = torch.float32 if gradient.dtype in (torch.float16, torch.bfloat16) else None
    return float(torch.linalg.vector_norm(gradient, dtype=wide))
