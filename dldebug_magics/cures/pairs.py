"""Two tensors that do not go together, one of them given the other's shape: in the call that raised, and only there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..engine.nested import mapped, tensors
from ..engine.subject import Subject
from .mended import mended

Change = Callable[[Tensor, Tensor], Tensor]  # of a tensor, to go with the other


def paired(operation: str, changed: int, change: Change, **named: Any) -> Callable[[Subject], Subject]:
    """The cure that changes one side of a call: 0 the first tensor, to go with the second, 1 all others, to go with the first."""

    def mend(function: Callable, *args: Any, **kwargs: Any) -> Any:
        found = list(tensors((args, kwargs)))
        if len(found) > 1 and changed == 0:
            new = {id(found[0]): change(found[0], found[1])}
        else:
            new = {id(tensor): change(tensor, found[0]) for tensor in found[1:]}
        args, kwargs = (mapped(given, lambda t: new.get(id(t), t)) for given in (args, kwargs))
        return function(*args, **{**kwargs, **named})

    return mended({operation}, mend)


def joined_along(operation: str, dim: int) -> Callable[[Subject], Subject]:
    """The cure that puts tensors together along another axis."""
    return mended({operation}, lambda function, given, *_, **__: function(given, dim))


def in_size(x: Tensor, like: Tensor) -> Tensor:
    """Maps or sequences enlarged or shrunk to the other's rows and columns."""
    spatial = min(x.ndim, like.ndim) - (2 if like.ndim == x.ndim else 1)
    return functional.interpolate(x, size=like.shape[-spatial:]) if x.shape[-spatial:] != like.shape[-spatial:] else x


def projected(x: Tensor, like: Tensor) -> Tensor:
    """A convolution of 1 x 1 with a stride, to the other's channels, rows and columns; its weights are random, and the same each time."""
    weights = _random(like.shape[1], x.shape[1], *(1,) * (x.ndim - 2), like=x)
    stride = [max(1, math.ceil(mine / its)) for mine, its in zip(x.shape[2:], like.shape[2:], strict=True)]
    return (functional.conv1d if x.ndim == 3 else functional.conv2d)(x, weights, stride=stride)


def mapped_to(x: Tensor, like: Tensor) -> Tensor:
    """A linear layer to as many features as the other has."""
    return functional.linear(x, _random(like.shape[-1], x.shape[-1], like=x))


def _random(*shape: int, like: Tensor) -> Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0)) / math.sqrt(shape[1])
    return values.to(like.device, like.dtype)


def cut(x: Tensor, like: Tensor) -> Tensor:
    """The tensor without what reaches beyond the other, its axes counted from the last."""
    for axis in range(1, min(x.ndim, like.ndim) + 1):
        if 1 not in (x.shape[-axis], like.shape[-axis]):
            x = x.narrow(-axis, 0, min(x.shape[-axis], like.shape[-axis]))
    return x


def filled(x: Tensor, like: Tensor) -> Tensor:
    """The tensor with zeros behind it, as long as the other on every axis, and no longer."""
    grown = [size for mine, its in zip(reversed(x.shape), reversed(like.shape), strict=False) for size in (0, max(its - mine, 0))]
    return cut(functional.pad(x, grown), like)


def spread(x: Tensor, like: Tensor, axes: int, front: int) -> Tensor:
    """The tensor with that many axes put in at `front`, as long as the other's."""
    shape = [*x.shape[:front], *like.shape[front : front + axes], *x.shape[front:]]
    return x.reshape(*x.shape[:front], *(1,) * axes, *x.shape[front:]).expand(shape)


def state_dropped(subject: Subject) -> Subject:
    """The optimizer without the state of parameters that have another shape by now."""
    if subject.optimizer is not None:
        for parameter, held in list(subject.optimizer.state.items()):
            if any(isinstance(v, Tensor) and v.ndim and v.shape != parameter.shape for v in held.values()):
                del subject.optimizer.state[parameter]
    return subject
