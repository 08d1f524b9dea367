"""Gradient clipping put in, where gradients grow; and taken away, where it leaves next to nothing of them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch

from ..engine.default_optimizer import with_optimizer
from ..engine.subject import Subject

LIMIT = 1.0


def clipped(subject: Subject) -> Subject:
    """Every step clips the norm of the whole gradient at 1 first."""
    cured = with_optimizer(subject)

    def clip(optimizer: Any, *_: Any) -> None:
        torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], LIMIT)

    cured.optimizer.register_step_pre_hook(clip)
    return cured


def unclipped(subject: Subject) -> Subject:
    """No hooks on parameters, none before the optimizer's step, and torch's own step in place of a subclass's."""
    cured = with_optimizer(subject)
    for parameter in cured.model.parameters():
        parameter._backward_hooks = None
        parameter._post_accumulate_grad_hooks = OrderedDict()
    optimizer = cured.optimizer
    optimizer._optimizer_step_pre_hooks.clear()
    vars(optimizer).pop("step", None)
    optimizer.__class__ = torchs_own(type(optimizer))
    return cured


def torchs_own(kind: type) -> type:
    """The class of torch's that an optimizer's class is, or is made from; itself where there is none but the bare `Optimizer`.

    >>> class Clipping(torch.optim.SGD):
    ...     pass
    >>> torchs_own(Clipping) is torch.optim.SGD, torchs_own(torch.optim.Adam) is torch.optim.Adam
    (True, True)
    """
    found = [k for k in kind.__mro__ if k.__module__.startswith("torch.optim.") and k is not torch.optim.Optimizer]
    return found[0] if found else kind
