"""The same program in less memory: what is computed twice instead of kept, kept in half the bytes, or not trained at all."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from ..engine.paper import on
from ..engine.subject import Subject


def checkpointed(names: Iterable[str]) -> Callable[[Subject], Subject]:
    """These modules keep their inputs only, and run again in the backward pass."""

    def computed_twice(subject: Subject) -> Subject:
        for name in names:
            module = subject.model.get_submodule(name)
            module.forward = functools.partial(checkpoint, module.forward, use_reentrant=False, preserve_rng_state=False)
        return subject

    return computed_twice


def mixed_precision(subject: Subject) -> Subject:
    """Matrix products and convolutions in bfloat16, weights in float32."""
    device = next((p.device.type for p in subject.model.parameters()), "cpu")
    return dataclasses.replace(subject, around=(*subject.around, lambda: torch.autocast(device, torch.bfloat16)))


def all_but_last_frozen(subject: Subject) -> Subject:
    """Only the last layer that has parameters is trained."""
    layers = [m for m in subject.model.modules() if any(True for _ in m.parameters(recurse=False))]
    subject.model.requires_grad_(False)
    for parameter in layers[-1].parameters(recurse=False) if layers else ():
        parameter.requires_grad_(True)
    return rebuilt(subject)


def without_state(subject: Subject) -> Subject:
    """Plain SGD, which keeps nothing beside the parameters."""
    return dataclasses.replace(subject, optimizer=torch.optim.SGD([p for p in subject.model.parameters() if p.requires_grad], lr=1e-3))


def rebuilt(subject: Subject) -> Subject:
    """The optimizer anew on what the model trains now: the same kind with the same defaults."""
    kind, trained = type(subject.optimizer), [p for p in subject.model.parameters() if p.requires_grad]
    if subject.optimizer is None:
        return subject
    return dataclasses.replace(subject, optimizer=kind(trained, **subject.optimizer.defaults), scheduler=None)


def narrower(name: str, share: float) -> Callable[[Subject], Subject]:
    """A dense layer with a share of its units; the next dense layer takes as many inputs fewer."""

    def with_fewer_units(subject: Subject) -> Subject:
        names = [n for n, m in subject.model.named_modules() if isinstance(m, nn.Linear)]
        wide = subject.model.get_submodule(name)
        following = names[names.index(name) + 1 :]
        after = subject.model.get_submodule(following[0]) if following else None
        if not isinstance(wide, nn.Linear) or not isinstance(after, nn.Linear) or after.in_features != wide.out_features:
            raise ValueError(f"no dense layer takes what {name} gives")
        units = max(1, int(share * wide.out_features))
        with on(subject):
            _replace(subject.model, name, wide, (wide.in_features, units))
            _replace(subject.model, following[0], after, (units, after.out_features))
            return rebuilt(subject)

    return with_fewer_units


def _replace(model: nn.Module, name: str, old: nn.Linear, sizes: tuple[int, int]) -> None:
    parent, _, own = name.rpartition(".")
    made = nn.Linear(*sizes, bias=old.bias is not None, device=old.weight.device, dtype=old.weight.dtype)
    setattr(model.get_submodule(parent), own, made)
