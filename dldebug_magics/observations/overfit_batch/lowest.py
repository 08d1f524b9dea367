"""The smallest value of a loss over a free tensor, by L-BFGS; a loss that runs away below every bound is told from one that settles."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Judge = Callable[[Tensor], Tensor]
_MOST_NUMBERS = 400_000
_FAR = 1e3
_ROUND = 60  # iterations; a floor must hold for a second round


def lowest(loss: Judge, start: Tensor) -> float | None:
    """The smallest loss that L-BFGS finds; -inf where it runs away, None where it has not settled or there is no gradient to follow."""
    if start.numel() > _MOST_NUMBERS:
        return None
    free, values = _near(start.detach()).clone(memory_format=torch.contiguous_format).requires_grad_(), []
    solver = torch.optim.LBFGS([free], lr=1.0, max_iter=_ROUND, tolerance_grad=1e-9, tolerance_change=1e-12, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        value = loss(free)
        value.backward()
        values.append(float(value.detach()))
        return value

    found = []
    with torch.enable_grad():
        try:
            for _ in range(2):
                solver.step(closure)
                found.append(_least(values))
        except (RuntimeError, IndexError, ValueError, ZeroDivisionError):  # no gradient, or values that the loss does not take
            return -math.inf if _runs_away(values) else None
    if _runs_away(values):
        return -math.inf
    settled = found[0] - found[1] <= 0.02 * (values[0] - found[1])
    return found[1] if settled and math.isfinite(found[1]) else None


def _near(start: Tensor) -> Tensor:
    """A start within reach: from the outputs of a model that was begun on a wrong scale L-BFGS does not find back."""
    size = float(start.abs().max()) if start.numel() else 0.0
    return start * (10 / size) if _FAR < size < math.inf else start


def _least(values: list[float]) -> float:
    return min((v for v in values if math.isfinite(v)), default=math.inf)


def _runs_away(values: list[float]) -> bool:
    """Far below zero, or below zero on the way to numbers that are none."""
    low, first = _least(values), abs(values[0]) if values else 1.0
    return low < -1e3 * max(first, 1.0) or (low < -10 * first and not all(math.isfinite(v) for v in values))
