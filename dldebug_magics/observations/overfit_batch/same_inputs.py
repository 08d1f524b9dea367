"""Samples with the same input: they must get the same output, so labels that disagree set a floor under the loss."""

from __future__ import annotations

import torch
from torch import Tensor

from ...engine.nested import tensors
from ...engine.subject import Subject


def same_inputs(subject: Subject, count: int) -> Tensor | None:
    """For each sample the number of its group of identical inputs; None where all differ."""
    if subject.step is not None or subject.loss_fn is None or not isinstance(subject.batch, (tuple, list)):
        return None
    first = subject.batch[0]
    if (
        not isinstance(first, Tensor)
        or first.is_complex()
        or first.is_sparse
        or not first.ndim
        or first.shape[0] != count
        or len(list(tensors(subject.batch[:-1]))) != 1
    ):
        return None
    _, groups = torch.unique(first.reshape(count, -1), dim=0, return_inverse=True)
    return groups if int(groups.max()) + 1 < count else None


def grouped(output: Tensor, groups: Tensor) -> Tensor:
    """The mean output of each group."""
    count = int(groups.max()) + 1
    sums = torch.zeros(count, *output.shape[1:], dtype=output.dtype, device=output.device).index_add(0, groups, output)
    return sums / torch.bincount(groups, minlength=count).to(output).reshape(-1, *[1] * (output.ndim - 1))
