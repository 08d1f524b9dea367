"""The numbers of a close look at gradients: norms, and how much of a gradient is accounted for by the passes that brought it.

All tensors of an optimizer are laid in one row first: what is asked of many small tensors one by one costs more than their training.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

_MOST = 4_000_000  # numbers that are copied for a look, at most


def some(parameters: Iterable[Tensor]) -> list[Tensor]:
    """Parameters of ordinary layout, each once, as many as may be copied."""
    chosen, room = {}, _MOST
    for parameter in parameters:
        fits = parameter.numel() <= room and parameter.layout is torch.strided and parameter.device.type != "meta"
        if fits and id(parameter) not in chosen:
            chosen[id(parameter)] = parameter
            room -= parameter.numel()
    return list(chosen.values())


def row(parameters: Sequence[Tensor]) -> Tensor:
    """A copy of the numbers of all these, one behind the other.

    >>> row([torch.tensor([[3.0]]), torch.tensor([4.0, 5.0])])
    tensor([3., 4., 5.])
    """
    parts = [p.detach().flatten() for p in parameters]
    if len({part.device for part in parts}) > 1:
        parts = [part.cpu() for part in parts]
    return torch.cat(parts)


def gradients(parameters: Sequence[Tensor]) -> Tensor | None:
    """The row of their gradients, with zeros for those that have none; None where none has one."""
    if all(p.grad is None for p in parameters):
        return None
    return row([torch.zeros_like(p) if p.grad is None else _dense(p.grad) for p in parameters])


def _dense(gradient: Tensor) -> Tensor:
    return gradient if gradient.layout is torch.strided else gradient.to_dense()


def reached(parameters: Sequence[Tensor], added: Tensor) -> int:
    """For how many of the parameters of a row there is another number than zero in it."""
    return int(torch.stack([part.any() for part in added.split([p.numel() for p in parameters])]).sum())


def distance(new: Tensor, old: Tensor) -> float:
    """The norm of what is between two rows."""
    return float((_exact(new) - _exact(old)).norm())


def compared(gradient: Tensor, weights: Tensor, fresh: Tensor | None) -> dict[str, float]:
    """The norms of gradient and weights; and how the gradient stands to what the passes brought: g = factor * fresh + rest.

    The residual is |rest| / |g|. Both are left out where nothing fresh was seen.

    >>> compared(torch.tensor([3.0, 4.0]), torch.ones(1), torch.tensor([6.0, 8.0]))
    {'gradient': 5.0, 'weights': 1.0, 'factor': 0.5, 'residual': 0.0}
    """
    g, w, f = _exact(gradient), _exact(weights), None if fresh is None else _exact(fresh)
    products = [g @ g, w @ w] if f is None else [g @ g, w @ w, g @ f, f @ f]
    size, held, *along = torch.stack(products).tolist()
    told = {"gradient": math.sqrt(size), "weights": math.sqrt(held)}
    if f is not None and along[1] > 0 and all(map(math.isfinite, along)):
        factor = along[0] / along[1]
        told |= {"factor": factor, "residual": float((g - factor * f).norm()) / told["gradient"] if size > 0 else 0.0}
    return told


def _exact(numbers: Tensor) -> Tensor:
    """Doubles, which some accelerators do not have."""
    return (numbers.cpu() if numbers.is_mps else numbers).double()
