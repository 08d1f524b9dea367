"""The numbers of a close look at gradients: norms, and how much of a gradient is accounted for by the passes that brought it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

_MOST = 4_000_000  # numbers that are copied for a look, at most


def some(parameters: Iterable[Tensor]) -> list[Tensor]:
    """Parameters of ordinary layout, each once, as many as may be copied."""
    chosen, room = {}, _MOST
    for parameter in parameters:
        fits = parameter.numel() <= room and parameter.layout is torch.strided and parameter.device.type != "meta"
        if fits and id(parameter) not in chosen and (parameter.grad is None or parameter.grad.layout is torch.strided):
            chosen[id(parameter)] = parameter
            room -= parameter.numel()
    return list(chosen.values())


def difference(new: Tensor, old: Tensor | None) -> Tensor:
    """What was added to a gradient."""
    new = new.to_dense() if new.layout is not torch.strided else new
    return new.detach().clone() if old is None else new.detach() - old


def norm(parts: Iterable[Tensor]) -> float:
    """The norm of all numbers in these tensors.

    >>> norm([torch.tensor([3.0]), torch.tensor([[4.0]])])
    5.0
    """
    return math.sqrt(sum(float(part.detach().double().square().sum()) for part in parts))


def compared(parameters: list[Tensor], fresh: dict[int, Tensor]) -> dict[str, float]:
    """The norms of gradient and weights; and how the gradient stands to what the passes brought: g = factor * fresh + rest.

    The residual is |rest| / |g|. Both are left out where nothing fresh was seen.
    """
    told = {"gradient": norm(p.grad for p in parameters if p.grad is not None), "weights": norm(parameters)}
    pairs = [(_flat(p.grad, p), _flat(fresh.get(id(p)), p)) for p in parameters if p.grad is not None or id(p) in fresh]
    along = sum(float(g @ f) for g, f in pairs)
    length = sum(float(f @ f) for _, f in pairs)
    if length > 0 and math.isfinite(length) and math.isfinite(along):
        factor = along / length
        rest = norm(g - factor * f for g, f in pairs)
        told |= {"factor": factor, "residual": rest / told["gradient"] if told["gradient"] > 0 else 0.0}
    return told


def _flat(gradient: Tensor | None, parameter: Tensor) -> Tensor:
    found = torch.zeros_like(parameter) if gradient is None else gradient
    return found.detach().double().flatten()
