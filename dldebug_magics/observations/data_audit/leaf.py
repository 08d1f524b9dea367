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
        self.shape = self.shape if self.shape == tuple(tensor.shape[1:]) else ()
        values = tensor.flatten(1) if tensor.ndim > 1 else tensor[:, None]
        values = values if values.dtype in (torch.float32, torch.float64) else values.double()
        finite = values.isfinite()
        if not finite.all():
            self._broken(values, finite, start)
        elif values.numel():
            self.minimum, self.maximum = min(self.minimum, float(values.min())), max(self.maximum, float(values.max()))
        kept = torch.where(finite, values, 0.0)
        means = kept.square().mean(1, dtype=torch.float64)
        self.count += int(finite.sum())
        self.total += float(kept.sum(dtype=torch.float64))
        self.squares += float(means.sum()) * kept.shape[1]
        self.sizes += means.sqrt().tolist()

    def _broken(self, values: Tensor, finite: Tensor, start: int) -> None:
        """Ends over what is finite, and where the rest stands. An additive attention mask, of 0 and minus infinity, is whole."""
        good = values[finite]
        if good.numel():
            self.minimum, self.maximum = min(self.minimum, float(good.min())), max(self.maximum, float(good.max()))
        if bool((finite | (values == float("-inf"))).all()) and not bool(good.any()):
            return
        self.not_finite += int((~finite).sum())
        self.broken += [start + row for row in (~finite).any(1).nonzero()[:, 0].tolist()]
        self.columns |= set((~finite).any(0).nonzero()[:, 0].tolist())

    @property
    def mean(self) -> float:
        return self.total / max(1, self.count)

    @property
    def std(self) -> float:
        return max(0.0, self.squares / max(1, self.count) - self.mean**2) ** 0.5
