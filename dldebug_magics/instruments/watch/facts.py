"""What is to be known of each thing that takes part in a loop, in plain numbers and names."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .compiled import is_compiled
from .epsilon import lost_epsilon

_NORMS = nn.modules.batchnorm._NormBase
_DROPOUTS = nn.modules.dropout._DropoutNd


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """A module that was called by itself, or whose mode was set: its class, how many parameters it has and how many of them can be
    trained, how many dropout layers that drop something and batch norm layers, and how many of these never saw a training batch."""

    kind: str
    parameters: int
    trainable: int
    dropouts: int
    norms: int
    unseen_norms: int
    compiled: bool = False

    @property
    def knows_modes(self) -> bool:
        """Whether training and evaluation differ in it."""
        return self.dropouts + self.norms > 0


@dataclasses.dataclass(frozen=True)
class OptimizerFacts:
    """An optimizer: its class, how many parameters it holds, their identities as two optimizers share them, and whether it remembers past
    gradients (momentum, moments); `maximizes`: it climbs; `lost_epsilon`: its epsilon, where parameters in float16 make that 0."""

    kind: str
    parameters: int
    remembers: bool
    held: frozenset[int]
    maximizes: bool = False
    lost_epsilon: float = 0.0

    @property
    def minds_scale(self) -> bool:
        """Whether a gradient twice as large makes a step twice as large."""
        return self.kind in ("SGD", "ASGD")


@dataclasses.dataclass(frozen=True)
class SchedulerFacts:
    """A scheduler: its class, its optimizer's number, and after how many steps it has come to its end (0: it has none that is known)."""

    kind: str
    optimizer: int
    length: int


@dataclasses.dataclass(frozen=True)
class ScalerFacts:
    """A gradient scaler, and whether it is switched on."""

    kind: str
    enabled: bool


def mode_layers(model: nn.Module) -> list[nn.Module]:
    """The layers that do another thing in training than in evaluation."""
    return [m for m in model.modules() if isinstance(m, _NORMS) or (isinstance(m, _DROPOUTS) and m.p > 0)]


def of_model(model: nn.Module) -> ModelFacts:
    """The facts of a module."""
    layers = mode_layers(model)
    norms = [m for m in layers if isinstance(m, _NORMS)]
    unseen = sum(getattr(m, "num_batches_tracked", None) is not None and not int(m.num_batches_tracked) for m in norms)  # type: ignore[arg-type]
    weights = list(model.parameters())
    trainable, dropouts = sum(p.requires_grad for p in weights), len(layers) - len(norms)
    compiled = any(is_compiled(part) for part in model.modules())
    return ModelFacts(type(model).__name__, len(weights), trainable, dropouts, len(norms), unseen, compiled)


def of_optimizer(optimizer: Any) -> OptimizerFacts:
    """The facts of an optimizer."""
    held = frozenset(id(p) for group in optimizer.param_groups for p in group["params"])
    remembers = not isinstance(optimizer, torch.optim.SGD) or any(group["momentum"] for group in optimizer.param_groups)
    climbs = any(group.get("maximize") for group in optimizer.param_groups)
    return OptimizerFacts(type(optimizer).__name__, len(held), remembers, held, climbs, lost_epsilon(optimizer))


def of_scheduler(scheduler: Any, number: Callable[[Any], int]) -> SchedulerFacts:
    """The facts of a scheduler."""
    owner = getattr(scheduler, "optimizer", None)
    length = next((getattr(scheduler, name) for name in ("total_steps", "T_max", "total_iters") if hasattr(scheduler, name)), 0)
    return SchedulerFacts(type(scheduler).__name__, -1 if owner is None else number(owner), int(length or 0))


def of_scaler(scaler: Any) -> ScalerFacts:
    """The facts of a gradient scaler."""
    return ScalerFacts(type(scaler).__name__, bool(scaler.is_enabled()))
