"""The optimizer of a run: the user's own, or the guide's default where none is given."""

from __future__ import annotations

import dataclasses

import torch
from torch import nn

from .call import loss_of
from .subject import Subject

RATE = 3e-4  # Full Stack Deep Learning: "Adam optimizer with learning rate 3e-4"


def with_optimizer(subject: Subject) -> Subject:
    """A lent subject that surely has an optimizer; lazy parameters get their shape first."""
    if subject.optimizer is not None:
        return subject
    parts = [subject.model, *([subject.loss_fn] if isinstance(subject.loss_fn, nn.Module) else [])]
    if any(isinstance(p, nn.UninitializedParameter) for p in subject.model.parameters()):
        with torch.no_grad():
            loss_of(subject)
    parameters = [p for part in parts for p in part.parameters()]
    return dataclasses.replace(subject, optimizer=torch.optim.Adam(parameters, lr=RATE))
