"""Dropout where there was none, or more of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..engine.subject import Subject
from ..instruments.calls import DROPOUTS
from ..instruments.layer_order import layer_order
from .rewrite import rewritten


def raised(share: float) -> Callable[[Subject], Subject]:
    """The change that drops this share of what each dropout leaves, however it was written; those at 0 stay at 0."""

    def more(function: Callable, tensor: Any, p: float = 0.5, *args: Any, **kwargs: Any) -> Any:
        return function(tensor, p + share * (1 - p) if p > 0 else p, *args, **kwargs)

    def change(subject: Subject) -> Subject:
        for module in subject.model.modules():
            inside = isinstance(module, nn.RNNBase | nn.MultiheadAttention) and module.dropout > 0
            if inside:
                module.dropout += share * (1 - module.dropout)
        return rewritten(subject, DROPOUTS, more)

    return change


def places(subject: Subject) -> list[str]:
    """The dense layers that take what other layers gave, each of which may forget some of it; the last layer, where none is dense."""
    order = layer_order(subject)
    dense = [layer.name for layer in order if isinstance(layer.module, nn.Linear) and not layer.raw]
    rest = [layer.name for layer in order if isinstance(layer.module, (nn.Conv1d, nn.Conv2d)) and not layer.raw]
    return dense or rest[-1:]


def in_front_of(names: list[str], share: float) -> Callable[[Subject], Subject]:
    """The change that drops this share of what goes into these layers, in training."""

    def drop(module: nn.Module, given: tuple) -> tuple:
        return functional.dropout(given[0], share, module.training), *given[1:]

    def change(subject: Subject) -> Subject:
        for name in names:
            subject.model.get_submodule(name).register_forward_pre_hook(drop)
        return subject

    return change


def of_words(name: str, share: float) -> Callable[[Subject], Subject]:
    """The change that leaves out this share of the tokens in training: their embeddings at `name` are 0, the others larger by as much.

    Word dropout (Iyyer et al. 2015; Gal & Ghahramani 2016).
    """

    def leave_out(module: nn.Module, given: tuple, output: Any) -> Any:
        if not module.training or not isinstance(output, Tensor):
            return output
        return output * functional.dropout(torch.ones_like(output[..., :1]), share)

    def change(subject: Subject) -> Subject:
        subject.model.get_submodule(name).register_forward_hook(leave_out)
        return subject

    return change
