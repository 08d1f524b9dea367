"""What makes a function a healthy program: it takes the two knobs that some injections turn, and returns a Program."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .program import Program

Activation = Callable[[Tensor], Tensor]
_MODULES = {torch.relu: nn.ReLU, torch.tanh: nn.Tanh, torch.sigmoid: nn.Sigmoid, nn.functional.gelu: nn.GELU}


def program(build: Callable[..., Program]) -> Callable[..., Program]:
    """Register a function of (width, activation): `width` scales every hidden layer, `activation` replaces what lies between them."""
    build.is_program = True
    return build


def scaled(units: int, width: float) -> int:
    """A hidden layer's units, at least one.

    >>> scaled(64, 1.0), scaled(64, 0.001)
    (64, 1)
    """
    return max(1, round(units * width))


def as_module(activation: Activation) -> nn.Module:
    """The module for an activation that is written as a function; the identity for one that does nothing."""
    return _MODULES.get(activation, nn.Identity)()
