"""Weight decay beside the gradient instead of inside it: what AdamW does, and Adam does not."""

from __future__ import annotations

import dataclasses
import inspect

import torch

from ..engine.subject import Subject


def decoupled(subject: Subject) -> Subject:
    """The same settings in an optimizer that decays weights by themselves: AdamW for Adam, a flag for its relatives."""
    groups = subject.optimizer.param_groups
    if type(subject.optimizer) is not torch.optim.Adam:
        for group in groups:
            group["decoupled_weight_decay"] = True
        return subject
    taken = inspect.signature(torch.optim.AdamW).parameters
    own = [{key: value for key, value in group.items() if key in taken or key == "params"} for group in groups]
    return dataclasses.replace(subject, optimizer=torch.optim.AdamW(own))
