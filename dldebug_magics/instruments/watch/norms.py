"""The numbers of a close look at gradients: norms, and how much of a gradient is accounted for by the passes that brought it.

All tensors of an optimizer are laid in one row first: what is asked of many small tensors one by one costs more than their training.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy
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
    found = [p.grad for p in parameters]
    if all(gradient is None for gradient in found):
        return None
    return row([_dense(gradient, p) for gradient, p in zip(found, parameters, strict=True)])


def _dense(gradient: Tensor | None, parameter: Tensor) -> Tensor:
    if gradient is None:
        return torch.zeros_like(parameter)
    return gradient if gradient.layout is torch.strided else gradient.to_dense()


def reached(parameters: Sequence[Tensor], added: Tensor) -> int:
    """For how many of the parameters of a row there is another number than zero in it.

    >>> reached([torch.ones(2), torch.ones(0), torch.ones(1)], torch.tensor([0.0, 5.0, 0.0]))
    1
    """
    sizes = [p.numel() for p in parameters if p.numel()]
    if not sizes:
        return 0
    starts = [0, *itertools.accumulate(sizes)][:-1]
    return int(numpy.logical_or.reduceat(added.ne(0).cpu().numpy(), starts).sum())


def distance(new: Tensor, old: Tensor) -> float:
    """The norm of what is between two rows."""
    return _size(new - old)


def compared(gradient: Tensor, weights: Tensor, fresh: Tensor | None) -> dict[str, float]:
    """The norms of gradient and weights; and how the gradient stands to what the passes brought: g = factor * fresh + rest.

    The residual is |rest| / |g|. Both are left out where nothing fresh was seen.

    >>> compared(torch.tensor([3.0, 4.0]), torch.ones(1), torch.tensor([6.0, 8.0]))
    {'gradient': 5.0, 'weights': 1.0, 'factor': 0.5, 'residual': 0.0}
    """
    told = {"gradient": _size(gradient), "weights": _size(weights)}
    if fresh is None or not math.isfinite(told["gradient"]):
        return told
    if told["gradient"] > 0 and torch.equal(gradient, fresh):
        return told | {"factor": 1.0, "residual": 0.0}
    g, f = (_near(numbers).double() for numbers in (gradient, fresh))
    along, length = float(g @ f), float(f @ f)
    if length > 0 and math.isfinite(length):
        factor = along / length
        told |= {"factor": factor, "residual": _size(g - factor * f) / told["gradient"] if told["gradient"] > 0 else 0.0}
    return told


def _size(numbers: Tensor) -> float:
    return float(norm(numbers))


def norm(numbers: Tensor) -> Tensor:
    """The norm of a tensor, as a double that was not waited for.

    >>> norm(torch.tensor([3 + 4j])), norm(torch.tensor([[300.0], [400.0]], dtype=torch.float16))
    (tensor(5., dtype=torch.float64), tensor(500., dtype=torch.float64))
    """
    near = _near(numbers.detach())
    return torch.linalg.vector_norm(near if near.is_floating_point() else near.abs().double(), dtype=torch.float64)


def _near(numbers: Tensor) -> Tensor:
    """Where there are doubles, which some accelerators do not have."""
    return numbers.cpu() if numbers.is_mps else numbers
