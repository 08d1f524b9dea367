"""A copy on another device than the model's own: a model that lies on the CPU is examined on the accelerator, or the other way about."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import nn

from .errors import UserMistake
from .nested import mapped
from .subject import Subject


def on_device(copy: Subject) -> Subject:
    """A copied subject on the device that it asks for, with its loss, its optimizer's state and its batch; as it is where it asks for none.

    Most devices take a parameter's numbers and leave the object, some make a new one: the optimizer is given whatever there is then.
    """
    if not copy.device:
        return copy
    device, parts = known(copy.device), [part for part in (copy.model, copy.loss_fn) if isinstance(part, nn.Module)]
    before = [parameter for part in parts for parameter in part.parameters()]
    for part in parts:
        part.to(device)
    after = [parameter for part in parts for parameter in part.parameters()]
    if copy.optimizer is not None:
        _hold(copy.optimizer, dict(zip(before, after, strict=True)))
    return dataclasses.replace(copy, batch=mapped(copy.batch, lambda t: t.to(device)))


def _hold(optimizer: Any, moved: dict[nn.Parameter, nn.Parameter]) -> None:
    """The optimizer with each parameter's successor in its place, and its state beside that."""
    for group in optimizer.param_groups:
        group["params"] = [moved.get(parameter, parameter) for parameter in group["params"]]
    for old, new in moved.items():
        if old in optimizer.state:
            optimizer.state[new] = optimizer.state.pop(old)
    optimizer.load_state_dict(optimizer.state_dict())  # which brings the state to where its parameters are


def known(name: str) -> torch.device:
    """The device of that name. A `UserMistake` where this machine has none.

    >>> known("cpu")
    device(type='cpu')
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch has an exception of its own for each kind of device
        reason = next(iter(str(error).splitlines()), "").partition(". ")[0]
        raise UserMistake(f"no device `{name}` here ({reason})", expected="cpu, cuda, cuda:1, mps, or what torch has") from None
    return device
