"""What every program needs: data of a given shape, a loader, and the Subject under the user's own names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.engine.subject import Subject

NAMES = {"model": "net", "loss_fn": "criterion", "optimizer": "optimizer", "train": "loader"}


def subject(
    model: nn.Module, loss_fn: Callable[..., Any] | None, train: Any, optimizer: torch.optim.Optimizer | None = None, /, **names: str
) -> Subject:
    """The program as the user names it, with Adam at 1e-3 unless another optimizer is given."""
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=1e-3)
    return Subject(model, loss_fn, optimizer, train, names={**NAMES, **names})


def loader(*columns: Tensor, batch_size: int = 4, **options: Any) -> DataLoader:
    """A loader of tensors, in order."""
    return DataLoader(TensorDataset(*columns), batch_size=batch_size, **options)


def images(count: int = 8, channels: int = 3, size: int = 16) -> Tensor:
    """Pictures of values in 0..1."""
    return torch.rand(count, channels, size, size)


def labels(count: int = 8, classes: int = 10) -> Tensor:
    """Class numbers, all of 0..classes-1 in turn."""
    return torch.arange(count) % classes
