"""The optimizer after the model was changed: the same one with the same settings, on the parameters that there are now."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from ..engine.default_optimizer import with_optimizer
from ..engine.subject import Subject


def held(subject: Subject, before: Mapping[str, nn.Parameter]) -> Subject:
    """`before`: the parameters by name as they were. What stands for one of them stands in its group, frozen if it was; what is new joins
    the last group of the model's. What was not trained is not trained, and what is gone is forgotten with its momentum.
    """
    cured = with_optimizer(subject)
    now, groups = dict(cured.model.named_parameters()), cured.optimizer.param_groups
    place = {id(p): number for number, group in enumerate(groups) for p in group["params"]}
    last = max((place[id(p)] for p in before.values() if id(p) in place), default=len(groups) - 1)
    gone = {id(p): p for p in before.values()}.keys() - {id(p) for p in now.values()}
    for group in groups:
        group["params"][:] = [p for p in group["params"] if id(p) not in gone]
    for name, parameter in now.items():
        old = before.get(name, parameter)
        parameter.requires_grad_(old.requires_grad)
        if id(parameter) not in place and (name not in before or id(old) in place):
            groups[place.get(id(old), last)]["params"].append(parameter)
    for parameter in [p for p in cured.optimizer.state if id(p) in gone]:
        del cured.optimizer.state[parameter]
    if hasattr(cured.optimizer, "_numel_cache"):  # L-BFGS remembers how many numbers there are
        cured.optimizer._numel_cache = None
    return cured


def parameters_of(subject: Subject) -> dict[str, nn.Parameter]:
    """The model's parameters by name, as they are now."""
    return dict(subject.model.named_parameters())
