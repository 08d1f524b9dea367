"""Weight decay set to a value: beside the gradient for Adam and its kin, as Loshchilov & Hutter (2019) do."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ..engine.default_optimizer import with_optimizer
from ..engine.subject import Subject
from .decoupled_decay import decoupled

_DECOUPLING = (torch.optim.Adam, torch.optim.NAdam, torch.optim.RAdam)
BESIDE = (*_DECOUPLING, torch.optim.AdamW)  # those whose decay goes beside the gradient, at least as it is set here


def of(strength: float) -> Callable[[Subject], Subject]:
    """The change that gives every group this decay."""

    def change(subject: Subject) -> Subject:
        cured = with_optimizer(subject)
        if type(cured.optimizer) in _DECOUPLING:
            cured = decoupled(cured)
        for group in cured.optimizer.param_groups:
            group["weight_decay"] = strength
        return cured

    return change


def strongest(subject: Subject) -> float:
    """The largest decay of any group.

    >>> from torch import nn
    >>> net = nn.Linear(2, 1)
    >>> strongest(Subject(net, nn.MSELoss(), torch.optim.AdamW(net.parameters())))
    0.01
    """
    return max((float(group.get("weight_decay", 0.0)) for group in with_optimizer(subject).optimizer.param_groups), default=0.0)
