"""What the loops share: a small classification task that is learnt in seconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.checks.small_data import groups


@dataclasses.dataclass
class Program:
    """`train()` runs the loop; `modules` are what it trains."""

    train: Callable[[], Any]
    modules: tuple[nn.Module, ...]


def net(norm: bool = False, dropout: float = 0.0) -> nn.Sequential:
    """Sixteen features, four classes; from a seed."""
    torch.manual_seed(0)
    layers = [nn.Linear(16, 24)] + ([nn.BatchNorm1d(24)] if norm else []) + [nn.ReLU()] + ([nn.Dropout(dropout)] if dropout else [])
    return nn.Sequential(*layers, nn.Linear(24, 4))


def loaders(size: int = 16, samples: int = 160) -> tuple[DataLoader, DataLoader]:
    """For training, shuffled, and for validation."""
    train, val = TensorDataset(*groups(samples)), TensorDataset(*groups(64, seed=5))
    return DataLoader(train, batch_size=size, shuffle=True), DataLoader(val, batch_size=32)


def accuracy(model: nn.Module, loader: DataLoader) -> float:
    """In evaluation mode, without gradients; the mode is left as it is found there."""
    model.eval()
    with torch.no_grad():
        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)
