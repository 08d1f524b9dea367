"""Tensors brought to one device: the batch, what model and loss keep, and what `forward` makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ..engine.subject import Subject
from .casting import in_batch, kept_in
from .rewrite import rewritten

_MADE = frozenset("zeros ones empty full arange linspace rand randn randint eye tensor as_tensor from_numpy randperm zeros_like".split())


def batch_on(device: str) -> Callable[[Subject], Subject]:
    """The cure that moves the batch."""
    return in_batch(lambda tensor: tensor.to(device))


def kept_on(paths: list[str], device: str) -> Callable[[Subject], Subject]:
    """The cure that moves what the model keeps beside its weights."""
    return kept_in(paths, lambda tensor: tensor.to(device))


def listed_on(paths: list[str], device: str) -> Callable[[Subject], Subject]:
    """The cure that registers the layers in these plain lists and dicts, and moves them."""

    def cure(subject: Subject) -> Subject:
        for path in paths:
            owner, _, name = path.rpartition(".")
            module = subject.model.get_submodule(owner)
            layers = getattr(module, name)
            setattr(module, name, (nn.ModuleDict(layers) if isinstance(layers, dict) else nn.ModuleList(layers)).to(device))
        return subject

    return cure


def model_on(device: str) -> Callable[[Subject], Subject]:
    """The cure that moves the whole model."""

    def cure(subject: Subject) -> Subject:
        subject.model.to(device)
        return subject

    return cure


def loss_on(device: str) -> Callable[[Subject], Subject]:
    """The cure that moves the loss, which may keep weights of its classes."""

    def cure(subject: Subject) -> Subject:
        if isinstance(subject.loss_fn, nn.Module):
            subject.loss_fn.to(device)
        return subject

    return cure


def made_on(device: str) -> Callable[[Subject], Subject]:
    """The cure that makes new tensors where the model is."""

    def change(function: Callable, *args: Any, **kwargs: Any) -> Any:
        made = function(*args, **kwargs)
        return made.to(device) if isinstance(made, Tensor) else made

    return lambda subject: rewritten(subject, _MADE, change)
