"""What the examples of loops train: a small network, its optimizer and shuffled batches, the same every time."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from .small_data import groups

SGD = torch.optim.SGD


def task(*layers: nn.Module, kind: type = SGD, rate: float = 0.05, batch: int = 16, **settings: float) -> tuple:
    """(net, optimizer, training loader, validation loader); `layers` stand behind the first linear one."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 24), *layers, nn.ReLU(), nn.Linear(24, 4))
    train, val = TensorDataset(*groups(96)), TensorDataset(*groups(64, seed=5))
    optimizer = kind(net.parameters(), lr=rate, **settings)
    return net, optimizer, DataLoader(train, batch_size=batch, shuffle=True), DataLoader(val, batch_size=32)
