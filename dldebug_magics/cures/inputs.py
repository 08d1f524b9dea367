"""The frozen batch with its inputs, or its targets, on a common scale."""

from __future__ import annotations

import dataclasses

from torch import Tensor

from ..engine.nested import mapped
from ..engine.subject import Subject
from ..instruments.input_tensors import input_tensors


def standardised(subject: Subject) -> Subject:
    """Every floating-point input less its mean and divided by its deviation: by feature for tables, as a whole for pictures and signals.

    The guide: subtract the mean, divide by the standard deviation.
    """
    return _with_standard(subject, input_tensors(subject)[0])


def targets_standardised(subject: Subject) -> Subject:
    """Every real-valued target less its mean and divided by its deviation, column by column."""
    return _with_standard(subject, input_tensors(subject)[1])


def _with_standard(subject: Subject, chosen: list[Tensor]) -> Subject:
    wanted = {id(t) for t in chosen}
    return dataclasses.replace(subject, batch=mapped(subject.batch, lambda t: standard(t) if id(t) in wanted else t))


def standard(values: Tensor) -> Tensor:
    """Mean 0 and deviation 1; a feature that never varies becomes 0.

    >>> import torch
    >>> standard(torch.tensor([[0.0, 5.0], [200.0, 5.0]]))
    tensor([[-1.,  0.],
            [ 1.,  0.]])
    """
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] > _WIDE:
        return (values - values.mean()) / values.std(unbiased=False).clamp(min=1e-8)
    spread = values.std(0, unbiased=False, keepdim=True)
    return (values - values.mean(0, keepdim=True)) / spread.where(spread > 0, spread.new_ones(()))


_WIDE = 100  # columns: more are pixels, which share one scale
