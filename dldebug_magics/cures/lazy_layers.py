"""Lazy layers given their sizes, though no pass has called them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ..engine.call import loss_of
from ..engine.subject import Subject

_SIDE = 32  # of a made-up picture: larger than most kernels


def initialised(features: int) -> Callable[[Subject], Subject]:
    """The cure that lets one pass build the lazy layers that it calls, and builds all others for that many features."""

    def cure(subject: Subject) -> Subject:
        with torch.no_grad(), contextlib.suppress(ValueError):  # what torch says of a weight without a shape: it is known already
            loss_of(subject)
        for layer in subject.model.modules():
            if any(is_lazy(p) for p in layer.parameters(recurse=False)):
                _build(layer, features)
        return subject

    return cure


def _build(layer: nn.Module, features: int) -> None:
    kind = type(layer).__name__
    spatial = int(kind[-2]) if kind[-2:] in ("1d", "2d", "3d") else 0
    mode = layer.training
    with torch.no_grad():
        layer.eval()(torch.zeros(2, features, *(_SIDE,) * spatial))
    layer.train(mode)
