"""What a model, a layer or a loss is called with: another key, one argument more, the tensor out of a tuple."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.nested import tensors
from ..engine.subject import Subject

Cure = Callable[[Subject], Subject]


def renamed(old: str, new: str) -> Cure:
    """The cure that gives one entry of a batch, a mapping, another key."""

    def cure(subject: Subject) -> Subject:
        if not isinstance(subject.batch, Mapping):
            return subject
        return dataclasses.replace(subject, batch={new if key == old else key: value for key, value in subject.batch.items()})

    return cure


def entry_taken(key: str) -> Cure:
    """The cure that gives the model one entry of the mapping that it was given."""

    def taken(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(given[key] if isinstance(given, Mapping) else given for given in args)

    def cure(subject: Subject) -> Subject:
        subject.model.register_forward_pre_hook(taken)
        return subject

    return cure


def with_ones(subject: Subject) -> Subject:
    """A tensor of ones, as large as the first input, between the inputs and the target of the batch."""
    *inputs, target = subject.batch
    return dataclasses.replace(subject, batch=(*inputs, torch.ones_like(next(tensors(inputs))), target))


def called(name: str) -> Cure:
    """The cure that takes that method for `forward`."""

    def cure(subject: Subject) -> Subject:
        subject.model.forward = getattr(subject.model, name)
        return subject

    return cure


def one_by_one(path: str) -> Cure:
    """The cure that calls the layers of a list in turn."""

    def cure(subject: Subject) -> Subject:
        layers: Any = subject.model.get_submodule(path)

        def forward(x: Any) -> Any:
            for layer in layers:
                x = layer(x)
            return x

        layers.forward = forward
        return subject

    return cure


def picked_from(path: str, pick: Callable[[Any], Any]) -> Cure:
    """The cure that takes one part of what a module gives."""

    def cure(subject: Subject) -> Subject:
        subject.model.get_submodule(path).register_forward_hook(lambda module, args, output: pick(output))
        return subject

    return cure


def joined_for(path: str, join: Callable[[list[Tensor]], Tensor]) -> Cure:
    """The cure that makes one tensor of the tuple or list that is given to a module."""

    def joined(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(join(list(given)) if isinstance(given, (tuple, list)) else given for given in args)

    def cure(subject: Subject) -> Subject:
        subject.model.get_submodule(path).register_forward_pre_hook(joined)
        return subject

    return cure


def output_picked(pick: Callable[[Any], Any]) -> Cure:
    """The cure that compares one part of the model's output with the target."""

    def cure(subject: Subject) -> Subject:
        own: Any = subject.loss_fn
        return dataclasses.replace(subject, loss_fn=lambda output, *targets: own(pick(output), *targets))

    return cure
