"""The weights as they were before anything happened to them, or as they should have been."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ..engine.ambient import seeded
from ..engine.subject import Subject


def reinitialised(subject: Subject) -> Subject:
    """Every layer that knows how to begin begins anew (torch's own `reset_parameters`)."""
    seeded(subject.seed)
    for module in subject.model.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
    return subject


def anew(names: Iterable[str]) -> Callable[[Subject], Subject]:
    """The cure that begins these parameters anew: their module by its own `reset_parameters`, a bare parameter as torch begins a layer."""

    def cure(subject: Subject) -> Subject:
        seeded(subject.seed)
        owners = {name: subject.model.get_submodule(name.rpartition(".")[0]) for name in names}
        resetting = {id(owner): owner for owner in owners.values() if callable(getattr(owner, "reset_parameters", None))}
        for owner in resetting.values():
            owner.reset_parameters()
        for name, owner in owners.items():
            if id(owner) not in resetting:
                nn.init.kaiming_uniform_(subject.model.get_parameter(name), a=5**0.5)
        return subject

    return cure


def by_he(subject: Subject) -> Subject:
    """Every weight of a layer by He's rule, which keeps a signal's size through ReLUs; biases at 0. Recurrent layers, embeddings stay."""
    seeded(subject.seed)
    with torch.no_grad():
        for module in subject.model.modules():
            if isinstance(module, (nn.RNNBase, nn.RNNCellBase, nn.Embedding)):
                continue
            for name, parameter in module.named_parameters(recurse=False):
                if parameter.requires_grad and not is_lazy(parameter) and parameter.ndim > 1:
                    nn.init.kaiming_normal_(parameter, nonlinearity="relu")
                elif name == "bias" and not _normalises(module):
                    parameter.zero_()
    return subject


def _normalises(module: nn.Module) -> bool:
    return "Norm" in type(module).__name__
