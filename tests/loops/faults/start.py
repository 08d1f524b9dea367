"""What the faulty loops train: nothing here is at fault."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.checks.small_data import groups


def begun(rate: float = 0.05, kind: Any = torch.optim.SGD, size: int = 16, **settings: Any) -> tuple[nn.Module, Any, DataLoader]:
    """(model, optimizer, loader): sixteen features, four classes."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 4))
    return model, kind(model.parameters(), lr=rate, **settings), DataLoader(TensorDataset(*groups(160)), batch_size=size, shuffle=True)
