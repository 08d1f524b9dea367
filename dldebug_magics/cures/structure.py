"""A model built a little differently: something put between its layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..engine.subject import Subject
from ..instruments.signals import MAPS
from .initialisation import by_he
from .rewrite import rewritten

SQUASHING = frozenset("sigmoid sigmoid_ tanh tanh_ hardsigmoid hardtanh".split())
_BENDING = SQUASHING | frozenset("relu relu_ relu6 leaky_relu elu gelu silu mish softplus".split())

Call = tuple[str, int] | None  # a function's name, and the how-manieth call of it


def rectified_between(subject: Subject) -> Subject:
    """A ReLU in front of every multiplication by a weight but those of the raw input."""
    return rewritten(subject, MAPS, _rectified)


def _rectified(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Only what has come through a weight is rectified: neither the batch nor a parameter."""
    return function(*(_bent(a) for a in args), **{key: _bent(a) for key, a in kwargs.items()})


def _bent(given: Any) -> Any:
    passed = isinstance(given, Tensor) and given.requires_grad and not _is_weight(given)
    return torch.relu(given) if passed else given


def _is_weight(tensor: Tensor) -> bool:
    return tensor.is_leaf or isinstance(tensor._base, torch.nn.Parameter)


def rectifying(spared: Call) -> Callable[[Subject], Subject]:
    """The cure that puts ReLUs in the place of hidden sigmoids and tanhs, and begins the weights by He's rule."""

    def change(function: Callable, tensor: Any, *args: Any, **kwargs: Any) -> Any:
        return torch.relu(tensor)

    return lambda subject: _each(by_he(subject), SQUASHING, change, spared)


def normalised(spared: Call) -> Callable[[Subject], Subject]:
    """The cure that norms each sample in front of every hidden activation: layer norm without scale and shift."""

    def change(function: Callable, tensor: Any, *args: Any, **kwargs: Any) -> Any:
        wide = tensor.ndim > 1 and tensor[0].numel() > 1
        return function(functional.layer_norm(tensor, tensor.shape[1:]) if wide else tensor, *args, **kwargs)

    return lambda subject: _each(subject, _BENDING, change, spared)


def _each(subject: Subject, names: frozenset[str], change: Callable, spared: Call) -> Subject:
    """Every call of these functions changed, but for the spared one: the model's last word."""
    for name in sorted(names):
        subject = rewritten(subject, {name}, change, spared=spared[1] if spared is not None and spared[0] == name else None)
    return subject
