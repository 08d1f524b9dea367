"""What becomes of the gradient between `backward` and the step: hooks and optimizers of the user's own may cut it down on the way."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from ...cures.clipping import torchs_own
from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ..overfit_batch.training import Training


@dataclasses.dataclass(frozen=True)
class ClippingCard(Observation):
    """The norm of the gradient as the loss has it, and as it is once the optimizer has stepped; and where it may be changed between."""

    whole: float
    at_step: float
    places: tuple[str, ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[ClippingCard]:
        """One backward pass without hooks, and one training step with them; nothing where there is no place for a change."""
        optimizer = subject.optimizer
        if optimizer is None:
            return
        held = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
        places = tuple(_places(optimizer, held, subject.name("optimizer")))
        if not places:
            return
        hooks = [(p, p._backward_hooks) for p in held]
        for p in held:
            p._backward_hooks = None
        seeded(subject.seed)
        with torch.enable_grad():
            whole = torch.autograd.grad(loss_of(subject).loss, held, allow_unused=True)
        for p, kept in hooks:
            p._backward_hooks = kept
        seeded(subject.seed)
        next(iter(Training(subject)), None)
        yield cls(_norm(whole), _norm(p.grad for p in held), places)


def _places(optimizer: Any, held: list[Tensor], name: str) -> Iterator[str]:
    if any(p._backward_hooks for p in held):
        yield "hooks on parameters"
    if any(getattr(p, "_post_accumulate_grad_hooks", None) for p in held):
        yield "hooks after the gradient of a parameter"
    if getattr(optimizer, "_optimizer_step_pre_hooks", None):
        yield f"hooks before `{name}.step`"
    if torchs_own(type(optimizer)) is not type(optimizer):
        yield f"`{type(optimizer).__name__}.step`"


def _norm(gradients: Iterable[Tensor | None]) -> float:
    return math.hypot(*(float(g.detach().float().norm()) for g in gradients if g is not None))
