"""Several layers built for what they are given: those of a list, or those behind a flatten by a number."""

from __future__ import annotations

import math

from torch import nn

from ..engine.subject import Subject
from .layers import Cure, rebuilt
from .rewrite import rewritten


def fitted(owner: str, setting: str, axis: int) -> Cure:
    """The cure that builds each layer below `owner` with this setting for what it is given, where that is another size."""

    def cure(subject: Subject) -> Subject:
        for name, layer in subject.model.get_submodule(owner).named_children():
            if hasattr(layer, setting):
                path = f"{owner}.{name}" if owner else name
                layer.register_forward_pre_hook(lambda layer, args, path=path: _fit(subject, layer, path, args[0].shape))
        return subject

    def _fit(subject: Subject, layer: nn.Module, path: str, shape: tuple[int, ...]) -> None:
        if getattr(layer, setting) != shape[axis]:
            rebuilt(path, **{setting: shape[axis]})(subject)

    return cure


def flattened_for(call: str, given: tuple[int, ...], asked: int) -> Cure:
    """The cure that flattens each sample, not `view(-1, asked)`, and builds the linear layers for `asked` for what they are given."""
    has = math.prod(given[1:])

    def cure(subject: Subject) -> Subject:
        for name, layer in list(subject.model.named_modules()):
            if isinstance(layer, nn.Linear) and layer.in_features == asked:
                subject = rebuilt(name, in_features=has)(subject)
        change = lambda function, x, *args, **named: x.flatten(1) if tuple(x.shape) == given else function(x, *args, **named)  # noqa: E731
        return rewritten(subject, {call}, change)

    return cure
