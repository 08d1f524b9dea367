"""Where the numbers of an input lie and how far they spread, for each column of a table or channel of a picture; and moving them elsewhere.

Moving a split's inputs to another's scale is the smallest change that undoes darkening, a lost normalisation, another unit. Source: B. Sun,
J. Feng, K. Saenko, "Return of Frustratingly Easy Domain Adaptation" (2016), of which this is the diagonal.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

_FLAT = 1e-6  # of the largest spread: what varies less is constant, and is moved, not stretched


@dataclasses.dataclass
class Scale:
    """Sums over all numbers of a column; grows with batches."""

    count: float = 0.0
    total: Tensor | None = None
    square: Tensor | None = None

    def add(self, tensor: Tensor) -> None:
        """Take in the inputs [n, ...] of one batch."""
        rows = _columns_last(tensor.detach().double().cpu())
        self.count += len(rows)
        self.total = rows.sum(0) if self.total is None else self.total + rows.sum(0)
        self.square = rows.square().sum(0) if self.square is None else self.square + rows.square().sum(0)

    @property
    def columns(self) -> int:
        """How many there are."""
        return 0 if self.total is None else len(self.total)

    @property
    def mean(self) -> Tensor:
        """Of each column [d]."""
        assert self.total is not None, "something was added"
        return self.total / self.count

    @property
    def spread(self) -> Tensor:
        """The standard deviation of each column [d]."""
        assert self.square is not None, "something was added"
        return (self.square / self.count - self.mean.square()).clamp(min=0).sqrt()


def movable(tensor: Tensor) -> bool:
    """Whether an input has columns or channels that can be moved: numbers, not ids or bytes."""
    return tensor.is_floating_point() and tensor.ndim >= 2 and bool(torch.isfinite(tensor).all())


def columns_in(tensor: Tensor) -> int:
    """Channels of a picture, columns of anything else."""
    return tensor.shape[1] if tensor.ndim == 4 else tensor.shape[-1]


def moved(tensor: Tensor, here: Scale, there: Scale) -> Tensor:
    """The inputs with the mean and the spread that the other side has, column by column.

    >>> here, there = Scale(), Scale()
    >>> here.add(torch.tensor([[0.0], [2.0]])), there.add(torch.tensor([[10.0], [30.0]]))
    (None, None)
    >>> moved(torch.tensor([[0.0], [1.0]]), here, there).flatten().tolist()
    [10.0, 20.0]
    """
    fixed = (here.spread <= _FLAT * here.spread.max()) | (there.spread <= _FLAT * there.spread.max())
    stretch = torch.where(fixed, torch.ones_like(here.spread), there.spread / here.spread.clamp(min=1e-12))
    shape = [-1, *[1] * (tensor.ndim - 2)] if tensor.ndim == 4 else [-1]
    mean, stretch, goal = (t.to(tensor.device, tensor.dtype).reshape(shape) for t in (here.mean, stretch, there.mean))
    return (tensor - mean) * stretch + goal


def _columns_last(tensor: Tensor) -> Tensor:
    """[numbers, columns]: channels of pictures stand second, columns last."""
    return tensor.movedim(1, -1).reshape(-1, tensor.shape[1]) if tensor.ndim == 4 else tensor.reshape(-1, tensor.shape[-1])
