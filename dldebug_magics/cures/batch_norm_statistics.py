"""Batch norm's means and variances estimated anew on the data that the model is for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..engine.subject import Subject
from ..instruments.modes import in_mode
from ..instruments.target_split import passed_over, target_of


def norms(subject: Subject) -> list[Any]:
    """The batch norms that keep statistics."""
    found = [m for m in subject.model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    return [norm for norm in found if isinstance(norm.running_mean, Tensor)]


def reestimated(subject: Subject) -> Subject:
    """Every batch norm's statistics are those of the target split's inputs (Li et al. 2016, AdaBN; Schneider et al. 2020).

    In the first of two sweeps each batch is normed by its own statistics, in the second by those that the first one found, so that small
    batches do no harm to layers further behind. They are the moments of all samples together, not means of batches' moments.
    """
    found = target_of(subject)
    if found is not None:
        _sweep(subject, found[1], together=True)
        _sweep(subject, found[1], together=False)
    return subject


class _Moments:
    """Count, sum and sum of squares of what enters a batch norm, by channel, around its old mean: small numbers lose no digits."""

    def __init__(self, norm: Any, together: bool):
        self.norm, self.together, self.count = norm, together, 0
        self.around = norm.running_mean.detach().clone().double()
        self.total, self.squares = torch.zeros_like(self.around), torch.zeros_like(self.around)

    def add(self, norm: nn.Module, given: tuple[Any, ...]) -> None:
        norm.training = self.together and given[0].numel() > given[0].shape[1]  # one sample has no deviation of its own
        columns = given[0].detach().movedim(1, -1).flatten(0, -2).double() - self.around
        self.count += len(columns)
        self.total, self.squares = self.total + columns.sum(0), self.squares + columns.square().sum(0)

    def settle(self) -> None:
        if self.count > 1:
            mean = self.total / self.count
            self.norm.running_mean.copy_(self.around + mean)
            self.norm.running_var.copy_((self.squares / self.count - mean.square()).clamp(min=0) * self.count / (self.count - 1))


def _sweep(subject: Subject, source: Any, together: bool) -> None:
    with in_mode(subject.model, training=False):
        seen = [_Moments(norm, together) for norm in norms(subject)]
        handles = [moments.norm.register_forward_pre_hook(moments.add) for moments in seen]
        kept = [(m.norm.running_mean.clone(), m.norm.running_var.clone()) for m in seen]
        try:
            for _ in passed_over(subject, source):
                pass
        finally:
            for handle in handles:
                handle.remove()
        for moments, (mean, variance) in zip(seen, kept, strict=True):
            moments.norm.running_mean.copy_(mean)
            moments.norm.running_var.copy_(variance)
            moments.settle()
