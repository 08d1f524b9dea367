"""One tensor of a split while it is read, batch by batch: its moments, its ends, and the samples in which something is not finite."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor


@dataclasses.dataclass
class Leaf:
    """One input tensor or the targets, read so far. `sizes` is the root mean square of each sample."""

    shape: tuple[int, ...]
    dtype: str
    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    minimum: float = float("inf")
    maximum: float = float("-inf")
    not_finite: int = 0
    sizes: list[float] = dataclasses.field(default_factory=list)
    broken: list[int] = dataclasses.field(default_factory=list)
    columns: set[int] = dataclasses.field(default_factory=set)

    def add(self, tensor: Tensor, start: int) -> None:
        """Take in one batch, whose samples follow the `start` before."""
        values = tensor.double().flatten(1) if tensor.ndim > 1 else tensor.double()[:, None]
        finite = values.isfinite()
        masks = bool((finite | (values == float("-inf"))).all()) and not bool(values[finite].any())  # an additive attention mask
        kept = torch.where(finite, values, 0.0)
        self.shape = self.shape if self.shape == tuple(tensor.shape[1:]) else ()
        self.count += int(finite.sum())
        self.total += float(kept.sum())
        self.squares += float(kept.square().sum())
        self.sizes += kept.square().mean(1).sqrt().tolist()
        if finite.any():
            self.minimum = min(self.minimum, float(values[finite].min()))
            self.maximum = max(self.maximum, float(values[finite].max()))
        if not masks and not finite.all():
            self.not_finite += int((~finite).sum())
            self.broken += [start + row for row in (~finite).any(1).nonzero()[:, 0].tolist()]
            self.columns |= set((~finite).any(0).nonzero()[:, 0].tolist())

    @property
    def mean(self) -> float:
        return self.total / max(1, self.count)

    @property
    def std(self) -> float:
        return max(0.0, self.squares / max(1, self.count) - self.mean**2) ** 0.5
