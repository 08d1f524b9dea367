"""Whether dropout is at work in training, in whatever form it was written."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ..engine.call import loss_of
from ..engine.subject import Subject
from .calls import DROPOUTS, Call, Calls
from .modes import in_mode


def drops(subject: Subject) -> bool:
    """Whether a training pass of the frozen batch drops anything: modules, functional calls, recurrent layers, attention."""
    with in_mode(subject.model, training=True), torch.enable_grad(), Calls(DROPOUTS, subject.model) as calls:
        loss_of(subject)
    return any(_at_work(call) for call in calls.made) or any(share > 0 for share in _inside(subject.model))


def _at_work(call: Call) -> bool:
    return float(call.argument(1, "p", 0.5)) > 0 and bool(call.argument(2, "training", True))


def _inside(model: nn.Module) -> Iterator[float]:
    """What recurrent layers (between their own layers) and attention drop."""
    for module in model.modules():
        if (isinstance(module, nn.RNNBase) and module.num_layers > 1) or isinstance(module, nn.MultiheadAttention):
            yield module.dropout
