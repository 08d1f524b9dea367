"""How the signal fares in one training step: its size at every weight on the way there, and the gradient's on the way back.

The gain of a weight, its root mean square times the square root of its inputs, is what it does to the deviation of unrelated inputs: about
0.6 with torch's defaults, 1 with Glorot's, 1.4 with He's.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.signals import Passing, Sequence, Signals
from ...instruments.source_lines import Line

_LARGE, _SMALL = 4.0, 0.03  # gains
_FADED = 1e-4  # of the gradient


@dataclasses.dataclass(frozen=True)
class Passage:
    """One multiplication by a weight. `weight` is its name as in `named_parameters`; `gradient` is the norm of that at its result."""

    weight: str
    module: str
    line: Line
    hidden: bool
    gain: float | None
    deviation_in: float
    deviation_out: float
    gradient: float | None


@dataclasses.dataclass(frozen=True)
class SignalCard(Observation):
    """The passages in the order in which they ran, the loss, and for every recurrent layer the gradient at its first and last step."""

    passages: tuple[Passage, ...]
    through_time: tuple[tuple[str, float, float], ...]
    loss: float

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[SignalCard]:
        """One forward and one backward pass, as found."""
        seeded(subject.seed)
        names = {id(p): name for name, p in subject.model.named_parameters()}
        subject.model.zero_grad(set_to_none=True)
        with torch.enable_grad(), Signals(subject.model) as signals:
            loss = loss_of(subject).loss
        if not loss.requires_grad:
            return
        loss.backward()
        passages = tuple(_passage(p, names) for p in signals.passings)
        yield cls(passages, tuple(row for s in signals.sequences if (row := _ends(s)) is not None), float(loss.detach()))

    @property
    def off_scale(self) -> tuple[Passage, ...]:
        """The passages whose weights are far too large or too small; all zero is another matter."""
        known = [(p, p.gain) for p in self.passages if p.gain is not None and p.weight]
        return tuple(p for p, gain in known if gain > _LARGE or 0 < gain < _SMALL)

    @property
    def dies(self) -> bool:
        """Whether two layers or more are tiny, and next to nothing of the gradient comes through them."""
        return sum(0 < (p.gain or 0.0) < _SMALL for p in self.passages) > 1 and 0 < self.fading < _FADED

    @property
    def gradients(self) -> tuple[float, ...]:
        """The gradient's norms on the way from the first passage to the last, as far as there are any."""
        return tuple(p.gradient for p in self.passages if p.gradient)

    @property
    def growth(self) -> float:
        """How much larger the gradient is at its largest than at the last weight."""
        found = [g for g in self.gradients if math.isfinite(g)]
        return max(found) / found[-1] if found else 1.0

    @property
    def fading(self) -> float:
        """What is left of the last weight's gradient where it is smallest."""
        found = [g for g in self.gradients if math.isfinite(g)]
        return min(found) / found[-1] if found else 1.0


def _passage(seen: Passing, names: dict[int, str]) -> Passage:
    owner = seen.weight if id(seen.weight) in names else seen.weight._base
    gradient = seen.result.grad if seen.result.requires_grad else None
    return Passage(
        weight=names.get(id(owner), ""),
        module=seen.module,
        line=seen.line,
        hidden=seen.entering.requires_grad,
        gain=_gain(seen),
        deviation_in=_deviation(seen.entering),
        deviation_out=_deviation(seen.result),
        gradient=None if gradient is None else float(gradient.float().norm()),
    )


def _gain(seen: Passing) -> float | None:
    """Root mean square times the square root of the fan-in; None where the fan-in can't be read off."""
    weight = seen.weight.detach().float()
    if seen.function in ("matmul", "mm"):
        fan_in = weight.shape[-2]
    elif seen.function == "linear" or seen.function in ("conv1d", "conv2d", "conv3d"):
        fan_in = weight[0].numel()
    else:
        return None
    return float(weight.square().mean().sqrt()) * fan_in**0.5


def _deviation(values: Tensor) -> float:
    return float(values.detach().float().std(unbiased=False)) if values.numel() else 0.0


def _ends(sequence: Sequence) -> tuple[str, float, float] | None:
    """(module, norm at the first step, norm at the last step)."""
    gradient = sequence.entering.grad
    if gradient is None or gradient.shape[sequence.time_axis] < 2:
        return None
    steps = gradient.float().movedim(sequence.time_axis, 0).flatten(1).norm(dim=1)
    return sequence.module, float(steps[0]), float(steps[-1])
