"""A layer of the model built anew with other sizes, or its input changed on the way in: what makes a program run that crashes in it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ..engine.nested import mapped
from ..engine.subject import Subject


def rebuilt(path: str, **sizes: Any) -> Callable[[Subject], Subject]:
    """The cure that builds the layer at `path` anew with these settings changed; new weights, all else as it was."""

    def cure(subject: Subject) -> Subject:
        layer = subject.model.get_submodule(path)
        twin = type(layer)(**{**_arguments(layer), **sizes})
        weight = next((p for p in layer.parameters() if p.dtype.is_floating_point), None)
        if weight is not None:
            twin = twin.to(weight.device, weight.dtype)
        twin.train(layer.training)
        owner, _, name = path.rpartition(".")
        subject.model.get_submodule(owner)._modules[name] = twin
        if subject.optimizer is not None:
            subject.optimizer.add_param_group({"params": list(twin.parameters())})
        return subject

    return cure


def given_to(path: str, change: Callable[[Tensor], Tensor]) -> Callable[[Subject], Subject]:
    """The cure that changes the tensors on their way into the module at `path`."""

    def cure(subject: Subject) -> Subject:
        subject.model.get_submodule(path).register_forward_pre_hook(
            lambda module, args, kwargs: (mapped(args, change), mapped(kwargs, change)), with_kwargs=True
        )
        return subject

    return cure


def _arguments(layer: nn.Module) -> dict[str, Any]:
    """What the layer was built with, as far as it remembers."""
    named = inspect.signature(type(layer).__init__).parameters
    held = {name: getattr(layer, name) for name in named if hasattr(layer, name)}
    return held | ({"bias": layer.bias is not None} if "bias" in named and not isinstance(getattr(layer, "bias", None), bool) else {})
