"""Regularisation switched off, one kind at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from ..engine.default_optimizer import with_optimizer
from ..engine.subject import Subject
from ..instruments.calls import DROPOUTS
from .rewrite import left_out, rewritten


def without_weight_decay(subject: Subject) -> Subject:
    """Every group's weight decay at 0."""
    cured = with_optimizer(subject)
    for group in cured.optimizer.param_groups:
        group["weight_decay"] = 0.0
    return cured


def without_dropout(subject: Subject) -> Subject:
    """No dropout anywhere: in modules, in functional calls, inside recurrent layers and attention."""
    for module in subject.model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        elif isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.0
    return rewritten(rewritten(subject, DROPOUTS, left_out), {"scaled_dot_product_attention"}, _undropped)


def _undropped(function: Callable, *args: Any, **kwargs: Any) -> Any:
    positional = (*args[:4], 0.0, *args[5:]) if len(args) > 4 else args
    return function(*positional, **{**kwargs, **({"dropout_p": 0.0} if "dropout_p" in kwargs else {})})
