"""What a model's outputs mean, read off one batch: scores of classes, yes or no, or values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ...engine.subject import Subject


@dataclasses.dataclass(frozen=True)
class Task:
    """`kind` is classes (scores along `axis`), flags (yes above `threshold`), values, or empty where nobody can tell.

    `soft`: targets are themselves distributions over the classes.
    """

    kind: str = ""
    axis: int = 1
    threshold: float = 0.0
    soft: bool = False


def scores(output: Any) -> Tensor | None:
    """The tensor in a model's output that is compared with the target: itself, its `logits`, or the first of several.

    >>> scores({"loss": torch.zeros(()), "logits": torch.ones(2)})
    tensor([1., 1.])
    """
    if isinstance(output, Tensor):
        return output
    named = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    if isinstance(named, Tensor):
        return named
    if isinstance(output, (tuple, list)):
        return next((item for item in output if isinstance(item, Tensor) and item.ndim), None)
    return None


def task_of(subject: Subject, output: Any, targets: tuple[Any, ...]) -> Task:
    """What outputs like this one are, next to such targets.

    >>> subject = Subject(nn.Linear(4, 3), nn.CrossEntropyLoss())
    >>> task_of(subject, torch.zeros(8, 3), (torch.zeros(8, dtype=torch.long),)).kind
    'classes'
    """
    found, target = scores(output), targets[0] if targets else None
    if found is None or not isinstance(target, Tensor) or not found.ndim:
        return Task()
    if not target.is_floating_point() and target.dtype is not torch.bool and found.ndim == target.ndim + 1:
        return _of_classes(found, target, subject)
    if found.numel() != target.numel():
        return Task()
    if bool(((target == 0) | (target == 1)).all()) and not isinstance(subject.loss_fn, (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss)):
        if _one_of_each(found, target) and isinstance(subject.loss_fn, (nn.CrossEntropyLoss, nn.KLDivLoss)):
            return Task("classes", 1, soft=True)
        return Task("flags", threshold=_threshold(subject, found))
    if found.shape == target.shape and found.ndim > 1 and isinstance(subject.loss_fn, (nn.CrossEntropyLoss, nn.KLDivLoss)):
        return Task("classes", 1, soft=True)
    return Task("values")


def _of_classes(found: Tensor, target: Tensor, subject: Subject) -> Task:
    """Along axis 1, as torch's losses want it; along the last where only that leaves the target's shape."""
    first, last = found.shape[:1] + found.shape[2:], found.shape[:-1]
    if found.shape[0] == target.shape[0] and first == target.shape and (last != target.shape or subject.loss_fn is not None):
        return Task("classes", 1)
    return Task("classes", -1) if last == target.shape else Task()


def _one_of_each(found: Tensor, target: Tensor) -> bool:
    return found.ndim > 1 and found.shape == target.shape and bool((target.float().sum(1) == 1).all())


def _threshold(subject: Subject, found: Tensor) -> float:
    """Between yes and no: 0 for logits, a half for probabilities."""
    if isinstance(subject.loss_fn, nn.BCEWithLogitsLoss):
        return 0.0
    return 0.5 if isinstance(subject.loss_fn, nn.BCELoss) or bool(((found >= 0) & (found <= 1)).all()) else 0.0
