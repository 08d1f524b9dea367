"""The weights begun anew: by each layer's own rule, what has none at its own scale: a pilot begins where the user once began."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ...engine import snapshot
from ...engine.ambient import seeded
from ...engine.digest import Bare, digest
from ...engine.subject import Subject

_RULES = ("reset_parameters", "_reset_parameters")


def begun_anew(subject: Subject, seed: int) -> float:
    """Begin every trained weight of a lent subject anew; layers that are frozen stay as they are.

    A layer begins by its `reset_parameters`, a model of Hugging Face's by its `_init_weights`. What still holds its old numbers then (a
    bare parameter, one behind a parametrisation) is drawn from a normal distribution with its own mean and deviation. Returns the share of
    the trained numbers that had to be.
    """
    trained = [p for p in _parameters(subject) if p.requires_grad and not is_lazy(p) and p.numel()]
    old = [digest(Bare(p)) for p in trained]
    seeded(seed)
    with torch.no_grad():
        for module in snapshot.modules(subject):
            _begin(module)
        for module in snapshot.modules(subject):
            if _is_of_hugging_face(module):
                module.apply(module._init_weights)  # type: ignore[arg-type]
        kept = [p for p, word in zip(trained, old, strict=True) if digest(Bare(p)) == word and _varies(p)]
        for parameter in kept:
            parameter.normal_(float(parameter.mean()), float(parameter.std()))
    return sum(p.numel() for p in kept) / max(1, sum(p.numel() for p in trained))


def _parameters(subject: Subject) -> list[nn.Parameter]:
    parts = [subject.model, *([subject.loss_fn] if isinstance(subject.loss_fn, nn.Module) else [])]
    return list({id(p): p for part in parts for p in part.parameters()}.values())


def _begin(module: nn.Module) -> None:
    """By its own rule, unless its own parameters are frozen; what has no parameters (statistics alone) begins anew, too."""
    own = list(module.parameters(recurse=False))
    rule = next((getattr(module, name) for name in _RULES if callable(getattr(module, name, None))), None)
    if rule is not None and (not own or any(p.requires_grad for p in own)) and not any(is_lazy(p) for p in own):
        rule()


def _is_of_hugging_face(module: nn.Module) -> bool:
    return hasattr(module, "_init_weights") and any(kind.__name__ == "PreTrainedModel" for kind in type(module).__mro__)


def _varies(parameter: nn.Parameter) -> bool:
    return parameter.is_floating_point() and parameter.numel() > 1 and float(parameter.float().std()) > 0
