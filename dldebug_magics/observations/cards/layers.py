"""Layer by layer, in one training step: dead and saturated activations, the size of each parameter's gradient, and how far it moved."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ...engine.ambient import seeded
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.activations import Activation, health
from ...instruments.calls import ACTIVATIONS, DROPOUTS, Call, Calls
from ..overfit_batch.training import Training


@dataclasses.dataclass(frozen=True)
class LayerGradient:
    """One parameter's norm, the norm of its gradient and that of the optimizer's first change to it; None where there is none."""

    name: str
    gradient: float | None
    weight: float
    update: float | None


@dataclasses.dataclass(frozen=True)
class LayerCard(Observation):
    """The health of every activation call, the gradient and update of every parameter, and how many calls of dropout are at work."""

    activations: tuple[Activation, ...]
    gradients: tuple[LayerGradient, ...]
    dropout_calls: int

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[LayerCard]:
        """One training step, as found; a step that crashes half-way shows what it had got to."""
        seeded(subject.seed)
        subject.model.zero_grad(set_to_none=True)
        before = {name: p.detach().clone() for name, p in subject.model.named_parameters() if not is_lazy(p)}
        with Calls(ACTIVATIONS | DROPOUTS, subject.model) as calls:
            next(iter(Training(subject)), None)
        found = tuple(a for a in (health(call) for call in calls.named_in(ACTIVATIONS)) if a is not None)
        gradients = tuple(_gradient(name, p, before.get(name)) for name, p in subject.model.named_parameters() if not is_lazy(p))
        yield cls(found, gradients, sum(_drops(c) for c in calls.named_in(DROPOUTS)))


def _gradient(name: str, parameter: nn.Parameter, before: Tensor | None) -> LayerGradient:
    norm = None if parameter.grad is None else float(parameter.grad.float().norm())
    update = None if before is None else float((parameter.detach().float() - before.float()).norm())
    return LayerGradient(name, norm, float((parameter.detach() if before is None else before).float().norm()), update)


def _drops(call: Call) -> bool:
    """Whether a call of dropout is at work: a probability above 0, and training."""
    return float(call.argument(1, "p", 0.5)) > 0 and bool(call.argument(2, "training", True))
