"""A loss that calls none of torch's: what it compares, and whether it is a cross entropy written out, told by its value."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import forward
from ...engine.nested import tensors
from ...engine.subject import Subject
from ...instruments.calls import Call


def cross_entropy_by_hand(value: float | None, output: Tensor, target: Tensor, softmaxes: list[Call]) -> bool:
    """Whether the loss is the mean or sum of -target * log_softmax(output) over the classes on axis 1.

    >>> import torch
    >>> cross_entropy_by_hand(0.5, torch.zeros(4, 2), torch.ones(4, 2), [])
    False
    """
    taken = any(isinstance(call.result, Tensor) and call.result.shape == output.shape for call in softmaxes)
    if value is None or not taken or output.ndim < 2 or output.shape != target.shape:
        return False
    entropies = -(target.detach().double() * output.detach().double().log_softmax(1))
    means = [entropies.sum(1).mean(), entropies.mean(), entropies.sum(), entropies.sum() / len(output)]
    return any(math.isclose(value, float(mean), rel_tol=1e-4, abs_tol=1e-7) for mean in means)


def own_pair(subject: Subject) -> tuple[Any, Any]:
    """The model's first output and the first target, where the loss is written by hand."""
    if subject.step is not None or subject.loss_fn is None:
        return None, None
    seeded(subject.seed)
    with torch.enable_grad():
        output, targets = forward(subject, subject.batch)
    return next((t for t in tensors(output) if t.is_floating_point()), None), next(tensors(targets), None)
