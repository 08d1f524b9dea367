"""Normalisation layers put behind hidden layers, where a model has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from ..engine.nested import mapped
from ..engine.subject import Subject
from ..instruments.layer_order import Layer, hidden, layer_order
from .held_parameters import held, parameters_of

_GROUPS = (8, 4, 2, 1)
_BATCH_NORMS: dict[type, type[nn.Module]] = {nn.Conv1d: nn.BatchNorm1d, nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}


def by_batch(layer: Layer) -> nn.Module | None:
    """Batch norm (Ioffe & Szegedy 2015); layer norm where a dense layer sees more than rows, and behind recurrent layers."""
    if type(layer.module) in _BATCH_NORMS:
        return _BATCH_NORMS[type(layer.module)](layer.module.out_channels)
    if isinstance(layer.module, nn.Linear) and len(layer.made) == 2:
        return nn.BatchNorm1d(layer.module.out_features)
    return by_sample(layer)


def by_sample(layer: Layer) -> nn.Module | None:
    """What does not look at other samples: group norm (Wu & He 2018) behind convolutions, layer norm (Ba et al. 2016) elsewhere."""
    if type(layer.module) in _BATCH_NORMS:
        channels = layer.module.out_channels
        return nn.GroupNorm(next(count for count in _GROUPS if channels % count == 0), channels)
    return nn.LayerNorm(layer.made[-1]) if layer.made else None


def normed(norm_for: Callable[[Layer], nn.Module | None]) -> Callable[[Subject], Subject]:
    """The change that norms what each hidden layer gives, in front of its activation."""

    def change(subject: Subject) -> Subject:
        before = parameters_of(subject)
        for layer in hidden(layer_order(subject)):
            norm = norm_for(layer)
            if norm is not None:
                like = next(layer.module.parameters())
                layer.module.normed = norm.to(like.device, like.dtype).train(layer.module.training)
                layer.module.register_forward_hook(_through)
        return held(subject, before)

    return change


def _through(module: Any, given: tuple, output: Any) -> Any:
    """Recurrent layers give their states beside: all of them are as wide as what is normed."""
    return mapped(output, lambda tensor: _normed(module.normed, tensor) if tensor.is_floating_point() else tensor)


def _normed(norm: Any, tensor: Tensor) -> Tensor:
    """One sample has no deviation of its own: then batch norm does as in evaluation."""
    if isinstance(norm, nn.LayerNorm) and tensor.shape[-1] != norm.normalized_shape[0]:
        return tensor  # a state of one direction only
    alone = isinstance(norm, nn.modules.batchnorm._BatchNorm) and norm.training and tensor.numel() == tensor.shape[1]
    if alone:
        return functional.batch_norm(tensor, norm.running_mean, norm.running_var, norm.weight, norm.bias)
    return norm(tensor)
