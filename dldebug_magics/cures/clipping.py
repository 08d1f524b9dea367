"""The gradient as `backward` gives it, with nothing that cuts it down on its way to the step."""

from __future__ import annotations

from collections import OrderedDict

import torch

from ..engine.default_optimizer import with_optimizer
from ..engine.subject import Subject


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
