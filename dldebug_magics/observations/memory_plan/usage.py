"""What a step takes, and what each module takes of it: parameters, gradients, optimizer state, and what is kept for the backward pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from torch import Tensor

from ...engine.nested import tensors
from ...engine.subject import Subject
from ...instruments.moments import Peak


@dataclasses.dataclass(frozen=True)
class ModuleUse:
    """One module, without those inside it; all in bytes but `share`, the part of the model's parameters that it has."""

    name: str
    kind: str
    parameters: int = 0
    gradients: int = 0
    state: int = 0
    kept: int = 0
    share: float = 0.0

    @property
    def total(self) -> int:
        """All that it takes."""
        return self.parameters + self.gradients + self.state + self.kept


@dataclasses.dataclass(frozen=True)
class Usage:
    """What a step takes: its highest moment in each phase and module, that before the optimizer's first step, and what each module takes.

    All in bytes.
    """

    moments: tuple[Peak, ...] = ()
    first_pass: int = 0
    gradients: int = 0
    state: int = 0
    modules: tuple[ModuleUse, ...] = ()

    @property
    def peak(self) -> Peak:
        """The highest moment of all."""
        return max(self.moments, key=lambda moment: moment.total, default=Peak())


def module_uses(subject: Subject, kept: Mapping[str, int]) -> tuple[ModuleUse, ...]:
    """Every module that takes something, largest first; a parameter that two share is counted once."""
    found, seen = [], set[int]()
    whole = sum(map(_size, subject.model.parameters()))
    states = subject.optimizer.state if subject.optimizer is not None else {}
    for name, module in subject.model.named_modules():
        own = [p for p in module.parameters(recurse=False) if id(p) not in seen]
        seen |= {id(p) for p in own}
        size = sum(map(_size, own))
        gradients = sum(_size(p.grad) for p in own if p.grad is not None)
        state = sum(_size(t) for p in own for t in tensors(states.get(p, {})))
        use = ModuleUse(name, type(module).__name__, size, gradients, state, kept.get(name, 0), size / whole if whole else 0.0)
        found.append(use)
    return tuple(sorted((use for use in found if use.total), key=lambda use: -use.total))


def _size(tensor: Tensor) -> int:
    return tensor._values().numel() * tensor.element_size() if tensor.is_sparse else tensor.numel() * tensor.element_size()
