"""Operations kept off the edge of their domain: log, division, square root, norm and exp guarded by a small margin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.subject import Subject
from .rewrite import rewritten

_EDGE = 1e-6
_LARGEST = 80.0  # exp(89) overflows float32
_FAMILIES = {
    "log": frozenset(("log", "log2", "log10", "logit", "xlogy")),
    "sqrt": frozenset(("sqrt", "rsqrt", "pow", "__pow__")),
    "norm": frozenset(("norm", "vector_norm", "linalg_norm", "linalg_vector_norm")),
    "div": frozenset(("div", "true_divide", "__truediv__", "__rtruediv__", "__rdiv__", "reciprocal", "div_")),
    "exp": frozenset(("exp", "expm1", "sinh", "cosh")),
}


def family(operation: str) -> str:
    """The family of a failing operation, by the name that torch's dispatcher uses; empty for the rest.

    >>> family("log"), family("linalg_vector_norm"), family("mm")
    ('log', 'norm', '')
    """
    plain = operation.rstrip("_").removeprefix("_")
    return next((name for name, members in _FAMILIES.items() if plain in members or operation in members), "")


def guarded(operation: str) -> Callable[[Subject], Subject]:
    """The cure that guards every call of the operation's family."""
    kind = family(operation)
    return lambda subject: rewritten(subject, _FAMILIES[kind], _GUARDS[kind])


def _positive(function: Callable, tensor: Any, *args: Any, **kwargs: Any) -> Any:
    power = (args[0] if args else kwargs.get("exponent")) if function.__name__ in ("pow", "__pow__") else None
    if isinstance(power, (int, float)) and float(power).is_integer():  # squares and the like take negative numbers
        return function(tensor, *args, **kwargs) if power >= 0 else _off_zero(function, tensor, *args, **kwargs)
    return function(tensor.clamp(min=_EDGE) if isinstance(tensor, Tensor) and tensor.is_floating_point() else tensor, *args, **kwargs)


def _off_zero(function: Callable, tensor: Any, *args: Any, **kwargs: Any) -> Any:
    return function(torch.where(tensor.abs() < _EDGE, torch.full_like(tensor, _EDGE), tensor), *args, **kwargs)


def _denominator(function: Callable, *args: Any, **kwargs: Any) -> Any:
    name = function.__name__
    position = 0 if name in ("reciprocal", "__rtruediv__", "__rdiv__") else 1
    below = args[position] if len(args) > position else None
    if not isinstance(below, Tensor) or not below.is_floating_point():
        return function(*args, **kwargs)
    safe = torch.where(below.abs() < _EDGE, torch.full_like(below, _EDGE), below)
    return function(*args[:position], safe, *args[position + 1 :], **kwargs)


def _bounded(function: Callable, tensor: Any, *args: Any, **kwargs: Any) -> Any:
    return function(tensor.clamp(max=_LARGEST), *args, **kwargs)


_GUARDS = {"log": _positive, "sqrt": _positive, "norm": _off_zero, "div": _denominator, "exp": _bounded}

WRITTEN = {
    "log": "torch.log(x.clamp(min=1e-6))",
    "div": "a / (b + 1e-6)",
    "sqrt": "torch.sqrt(x.clamp(min=1e-6))",
    "norm": "torch.sqrt((x ** 2).sum(-1) + 1e-6)",
    "exp": "torch.exp(x.clamp(max=80))",
}  # the guard of each family, as one writes it
