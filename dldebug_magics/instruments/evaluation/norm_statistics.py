"""Batch norm's stored statistics on a lent model: taken anew from training batches, and put back and forth between passes.

Taken anew as a mean over batches, with all else in evaluation mode. Source: Y. Wu, J. Johnson, "Rethinking 'Batch' in BatchNorm" (2021),
section 3, "precise" batch norm.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy

from ...engine.call import forward
from ...engine.subject import Subject


class NormStatistics:
    """The stored statistics of all batch norms of a model that have some; `own` are those that it came with, `anew` those taken since."""

    def __init__(self, model: nn.Module):
        self.norms = [
            m for m in model.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None and not is_lazy(m.running_mean)
        ]
        self.own = self.anew = self._read()

    def _read(self) -> list[tuple[Tensor, Tensor]]:
        return [(cast("Tensor", m.running_mean).clone(), cast("Tensor", m.running_var).clone()) for m in self.norms]

    def take_anew(self, subject: Subject, batches: Iterable[Any]) -> None:
        """From passes over these batches. The model, which is lent, is in evaluation mode before and after."""
        for norm in self.norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over all batches
            norm.train()
        for batch in batches:
            with torch.no_grad():  # entered anew for each, because what reads them may have a mode of its own
                forward(subject, batch)
        subject.model.eval()
        self.anew = self._read()

    def put(self, statistics: list[tuple[Tensor, Tensor]]) -> None:
        """Evaluate with these from now on."""
        for norm, (mean, variance) in zip(self.norms, statistics, strict=True):
            cast("Tensor", norm.running_mean).copy_(mean)
            cast("Tensor", norm.running_var).copy_(variance)
