"""The slope of one function of the user's along a random direction: as its backward says, and as finite differences measure it."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from ..engine.ambient import seeded
from ..engine.nested import tensors
from .custom_functions import Kind

_STEP = 1e-5  # of the argument's mean size, in float64


@dataclasses.dataclass(frozen=True)
class Slope:
    """The two slopes; `smooth` says whether two step sizes measured the same."""

    backward: float
    measured: float
    smooth: bool


def slopes(kind: Kind, inputs: tuple, number: int, seeds: tuple[int, int]) -> Slope:
    """The slopes of a randomly weighted sum of the outputs, as one float64 argument moves in a random direction.

    >>> class Square(torch.autograd.Function):
    ...     forward = staticmethod(lambda ctx, x: (ctx.save_for_backward(x), x * x)[1])
    ...     backward = staticmethod(lambda ctx, g: g * ctx.saved_tensors[0])  # half of what it should be
    >>> found = slopes(Square, (torch.ones(3, dtype=torch.float64, requires_grad=True),), 0, (0, 0))
    >>> round(found.measured / found.backward, 4)
    2.0
    """
    x, numbers = inputs[number], torch.Generator().manual_seed(seeds[1])
    towards = torch.randn(x.shape, generator=numbers, dtype=torch.float64).to(x.device) * (x.detach().abs().mean() + 1e-3)
    value = _weighed(kind, inputs, seeds)
    gradient = torch.autograd.grad(value, x, allow_unused=True)[0] if value.requires_grad else None
    measured = []
    for step in (_STEP, 10 * _STEP):
        moved = [(*inputs[:number], (x + s * towards).detach(), *inputs[number + 1 :]) for s in (step, -step)]
        high, low = (float(_weighed(kind, given, seeds).detach()) for given in moved)
        measured.append((high - low) / (2 * step))
    backward = 0.0 if gradient is None else float((gradient * towards).sum())
    return Slope(backward, measured[0], math.isclose(*measured, rel_tol=1e-2, abs_tol=1e-9))


def hands_on(kind: Kind, inputs: tuple, number: int, seed: int) -> bool:
    """Whether a function gives an argument back as it is: what its backward does to the gradient is its purpose."""
    x = inputs[number].detach()
    return any(o.shape == x.shape and torch.allclose(o.detach().double(), x) for o in _outputs(kind, inputs, seed))


def _outputs(kind: Kind, inputs: tuple, seed: int) -> list[Tensor]:
    seeded(seed)
    fresh = tuple(a.clone() if isinstance(a, Tensor) else a for a in inputs)
    return [t for t in tensors(kind.apply(*fresh)) if t.is_floating_point()]


def _weighed(kind: Kind, inputs: tuple, seeds: tuple[int, int]) -> Tensor:
    weights = torch.Generator().manual_seed(seeds[1] + 1000)
    parts = [
        (o * torch.randn(o.shape, generator=weights, dtype=torch.float64).to(o.device)).sum() for o in _outputs(kind, inputs, seeds[0])
    ]
    return torch.stack(parts).sum()
