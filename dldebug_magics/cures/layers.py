"""A layer of the model built anew with other sizes, or its input changed on the way in: what makes a program run that crashes in it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..engine.nested import mapped
from ..engine.subject import Subject

Cure = Callable[[Subject], Subject]


def rebuilt(path: str, **sizes: Any) -> Cure:
    """The cure that builds the layer at `path` anew with these settings changed; new weights, all else as it was.

    The layer stays the same object, so that whoever holds it elsewhere (a plain list, a tied weight) calls the new one.
    """

    def cure(subject: Subject) -> Subject:
        layer = subject.model.get_submodule(path)
        plain = next((kind for kind in type(layer).__mro__ if kind.__module__.startswith("torch.nn.modules")), None)
        if plain is None or plain is nn.Module:
            return subject
        twin = plain(**{**_arguments(layer, plain), **sizes})
        old, weight = dict(layer.named_parameters()), next((p for p in layer.parameters() if p.is_floating_point()), None)
        twin = (twin if weight is None else twin.to(weight.device, weight.dtype)).train(layer.training)
        if parametrize.is_parametrized(layer):
            layer.__class__ = plain
        vars(layer).update({name: value for name, value in vars(twin).items() if "hook" not in name})
        for name, parameter in old.items():
            new = dict(twin.named_parameters()).get(name)
            if new is not None:
                _exchanged(subject, parameter, new)
        return subject

    return cure


def resized(name: str, shape: tuple[int, ...]) -> Cure:
    """The cure that gives a parameter or buffer another shape: its numbers are kept as far as they go, and repeated behind that."""

    def cure(subject: Subject) -> Subject:
        owner, _, own = name.rpartition(".")
        module = subject.model.get_submodule(owner)
        old = getattr(module, own)
        values = old.detach()
        for axis, length in enumerate(shape):
            values = values.index_select(axis, torch.arange(length, device=old.device) % old.shape[axis])
        if own in module._parameters:
            _exchanged(subject, old, nn.Parameter(values.clone(), requires_grad=old.requires_grad))
        else:
            module._buffers[own] = values.clone()
        return subject

    return cure


def given_to(path: str, change: Callable[[Tensor], Tensor], shape: tuple[int, ...] | None = None) -> Cure:
    """The cure that changes the tensors (of this shape) on their way into the module at `path`."""

    def changed(tensor: Tensor) -> Tensor:
        return change(tensor) if shape is None or tuple(tensor.shape) == shape else tensor

    def cure(subject: Subject) -> Subject:
        subject.model.get_submodule(path).register_forward_pre_hook(
            lambda module, args, kwargs: (mapped(args, changed), mapped(kwargs, changed)), with_kwargs=True
        )
        return subject

    return cure


def moved_for(path: str, axis: int, to: int) -> Cure:
    """The cure that moves one axis to another place in front of a module, and back behind it."""

    def cure(subject: Subject) -> Subject:
        given_to(path, lambda tensor: tensor.movedim(axis, to))(subject)
        subject.model.get_submodule(path).register_forward_hook(lambda module, args, output: output.movedim(to, axis))
        return subject

    return cure


def in_turn(*cures: Cure) -> Cure:
    """Several changes that only help together."""

    def cure(subject: Subject) -> Subject:
        for one in cures:
            subject = one(subject)
        return subject

    return cure


def _exchanged(subject: Subject, old: nn.Parameter, new: nn.Parameter) -> None:
    """One parameter in the place of another, wherever the model or the optimizer holds it."""
    for module in subject.model.modules():
        module._parameters.update({name: new for name, held in module._parameters.items() if held is old})
    if subject.optimizer is not None:
        subject.optimizer.state.pop(old, None)
        for group in subject.optimizer.param_groups:
            group["params"] = [new if held is old else held for held in group["params"]]


def _arguments(layer: nn.Module, kind: type) -> dict[str, Any]:
    """What the layer was built with, as far as it remembers."""
    if isinstance(layer, nn.RNNBase):
        names = ["input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"]
        more = ["nonlinearity"] if isinstance(layer, nn.RNN) else ["proj_size"] if isinstance(layer, nn.LSTM) else []
        return {name: getattr(layer, name) for name in names + more}
    named = inspect.signature(kind.__init__).parameters  # type: ignore[misc]
    held = {name: getattr(layer, name) for name in named if hasattr(layer, name)}
    bias = getattr(layer, "bias", None)
    if isinstance(layer, nn.MultiheadAttention):
        bias = layer.in_proj_bias
        held |= {name: None for name in ("kdim", "vdim") if held[name] == layer.embed_dim}
    return held | ({"bias": bias is not None} if "bias" in named and not isinstance(bias, bool) else {})
