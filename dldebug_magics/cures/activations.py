"""An activation left out, or one that lets a gradient through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.nn import functional

from ..engine.subject import Subject
from ..instruments.calls import RECTIFYING
from .rewrite import left_out, rewritten


def without(name: str, index: int) -> Callable[[Subject], Subject]:
    """The cure that leaves out one call of an activation."""
    return lambda subject: rewritten(subject, {name}, left_out, index)


def leaking(subject: Subject) -> Subject:
    """Every ReLU lets a tenth of what is negative through, so that a dead unit gets a gradient again."""
    return rewritten(rewritten(subject, RECTIFYING, _leak), {"clamp", "clamp_", "clamp_min"}, _leak_of_clamp)


def _leak(function: Callable, tensor: Any, *args: Any, **kwargs: Any) -> Any:
    return functional.leaky_relu(tensor, 0.1)


def _leak_of_clamp(function: Callable, tensor: Any, *args: Any, **kwargs: Any) -> Any:
    low, high = (*args, None, None)[:2]
    rectifies = kwargs.get("min", low) == 0 and kwargs.get("max", high) is None
    return _leak(function, tensor) if rectifies else function(tensor, *args, **kwargs)
