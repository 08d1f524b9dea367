"""What float16 does to one training step: numbers above 65504, an epsilon that rounds to 0, gradients that all vanish."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from ...cures.precision import in_float32
from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.half_values import HalfValues


@dataclasses.dataclass(frozen=True)
class HalfPrecisionCard(Observation):
    """`largest` is None where nothing is computed in float16. `overflow` is the first call that only float32 can hold, and where it is.

    `backward_overflow` is the first call whose float16 result gets an infinite gradient, where in float32 all gradients are finite.
    `lost_epsilon` is the optimizer's epsilon where float16 parameters round it to 0; `vanished` says that all float16 gradients are 0.
    """

    largest: float | None = None
    overflow: tuple[str, str] | None = None
    backward_overflow: tuple[str, str] | None = None
    lost_epsilon: float | None = None
    vanished: bool = False

    @property
    def troubled(self) -> bool:
        """Whether float16 is seen to be too small."""
        return bool(self.overflow or self.backward_overflow or self.lost_epsilon is not None or self.vanished)

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[HalfPrecisionCard]:
        """One forward and backward pass, as found; a second in float32 where float16 gradients are infinite."""
        seeded(subject.seed)
        subject.model.zero_grad(set_to_none=True)
        with torch.enable_grad():
            with HalfValues(subject.model) as halves:
                loss = loss_of(subject).loss
            if halves.largest is None:
                yield cls()
                return
            if loss.requires_grad:
                loss.backward()
        gradients = [p.grad for p in subject.model.parameters() if p.grad is not None and p.dtype is torch.float16]
        vanished = bool(gradients) and not any(bool(g.any()) for g in gradients)
        epsilon, backward = _lost_epsilon(subject), halves.backward_overflow
        yield cls(halves.largest, halves.overflow, backward if backward and _finite_in_float32(subject) else None, epsilon, vanished)


def _finite_in_float32(subject: Subject) -> bool:
    """Whether the same pass in float32 has finite gradients."""
    subject.model.zero_grad(set_to_none=True)
    subject = in_float32(subject)
    seeded(subject.seed)
    with torch.enable_grad():
        loss_of(subject).loss.backward()
    return all(bool(torch.isfinite(p.grad).all()) for p in subject.model.parameters() if p.grad is not None)


def _lost_epsilon(subject: Subject) -> float | None:
    """An epsilon of the optimizer's that is above 0 and is 0 in the precision of its parameters."""
    for group in subject.optimizer.param_groups if subject.optimizer is not None else ():
        epsilon = group.get("eps")
        halves = any(p.dtype is torch.float16 for p in group["params"])
        if halves and isinstance(epsilon, float) and epsilon > 0 and not torch.tensor(epsilon, dtype=torch.float16):
            return epsilon
    return None
