"""Parameters that should learn and don't: thawed, or handed to the optimizer."""

from __future__ import annotations

import dataclasses

import torch

from ..engine.call import loss_of
from ..engine.default_optimizer import RATE, with_optimizer
from ..engine.graph import leaves
from ..engine.subject import Subject


def thawed(subject: Subject) -> Subject:
    """Every parameter of the model requires a gradient, and the optimizer holds them all."""
    for parameter in subject.model.parameters():
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    return all_stepped(subject)


def all_stepped(subject: Subject) -> Subject:
    """The optimizer holds every parameter that the loss reaches or the model registers, registered or not."""
    with torch.enable_grad():
        reached = leaves(loss_of(subject).loss)
    wanted = {id(p): p for p in [*subject.model.parameters(), *reached] if p.requires_grad}
    if subject.optimizer is None and not list(subject.model.parameters()):
        return dataclasses.replace(subject, optimizer=torch.optim.Adam(list(wanted.values()), lr=RATE))
    cured = with_optimizer(subject)
    held = {id(p) for group in cured.optimizer.param_groups for p in group["params"]}
    missing = [p for i, p in wanted.items() if i not in held]
    if missing:
        cured.optimizer.add_param_group({**_settings(cured.optimizer.param_groups[-1]), "params": missing})
    return cured


def _settings(group: dict) -> dict:
    """What a group says beside its parameters: the newcomers learn as their neighbours do."""
    return {key: value for key, value in group.items() if key != "params"}
