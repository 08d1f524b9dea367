"""The descent ratio: how much of the promised decrease a small step along the negative gradient really brings.

rho(eta) = [L(w) - L(w - eta g)] / (eta |g|^2), which goes to 1 as eta goes to 0 when value and gradient agree, and to -1 when the sign of
the backward pass is wrong (Taylor's theorem). Where rho falls below 0 the step is too long. In evaluation mode, with the same random
numbers before both values: an unseeded dropout makes rho meaningless.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject

_RELATIVE_STEPS = (1e-4, 1e-3)  # |eta g| / |w|


@dataclasses.dataclass(frozen=True)
class DescentCard(Observation):
    """`small` is the ratio of short steps (the one nearest to 1), `at_rate` that of one plain gradient step at the optimizer's own rate."""

    gradient_norm: float
    small: float
    at_rate: float | None

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[DescentCard]:
        """One backward pass and a few forward passes in evaluation mode."""
        subject.model.eval()
        subject.model.zero_grad(set_to_none=True)
        parameters = [p for p in subject.model.parameters() if p.requires_grad]
        on_gpu = any(p.is_cuda for p in parameters)  # cuDNN's recurrent layers refuse a backward pass in evaluation mode
        with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False) if on_gpu else contextlib.nullcontext():
            seeded(subject.seed)
            loss = loss_of(subject).loss
            if not loss.requires_grad or not parameters:
                yield cls(math.nan, math.nan, None)
                return
            loss.backward()
        pairs = [(p, p.grad.clone()) for p in parameters if p.grad is not None and not p.grad.is_sparse]
        square = sum(float((g.double() ** 2).sum()) for _, g in pairs)
        size = sum(float((p.detach().double() ** 2).sum()) for p, _ in pairs) ** 0.5
        if not 0 < square < math.inf or not size:
            yield cls(square**0.5, math.nan, None)
            return
        start = float(loss.detach())
        ratios = [_ratio(subject, pairs, start, square, share * size / square**0.5) for share in _RELATIVE_STEPS]
        rate = float(subject.optimizer.param_groups[0].get("lr") or 0.0) if subject.optimizer is not None else 0.0
        at_rate = None if rate <= 0 else _ratio(subject, pairs, start, square, rate)
        yield cls(square**0.5, min(ratios, key=lambda rho: abs(rho - 1)), at_rate)


def _ratio(subject: Subject, pairs: list[tuple[Tensor, Tensor]], start: float, square: float, eta: float) -> float:
    kept = [p.detach().clone() for p, _ in pairs]
    for p, g in pairs:
        p.data.sub_(g, alpha=eta)
    seeded(subject.seed)
    with torch.enable_grad():
        end = float(loss_of(subject).loss.detach())
    for (p, _), values in zip(pairs, kept, strict=True):
        p.data.copy_(values)
    return (start - end) / (eta * square)
