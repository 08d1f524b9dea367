"""Loops that are fed what they can't learn from: the data are at fault, and the loop shows it."""

from __future__ import annotations

import random

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from dldebug_magics.checks.small_data import groups

from .start import begun


class Readings(Dataset):
    """Points whose label is made up when they are read."""

    def __init__(self):
        self.points, _ = groups(120)

    def __len__(self):
        return 120

    def __getitem__(self, row):
        return {"x": self.points[row], "row": row, "y": random.randrange(4)}


def labels_redrawn__in_getitem():
    model, optimizer, _ = begun()
    train_loader = DataLoader(Readings(), batch_size=20, shuffle=True)

    def train():
        for _ in range(4):
            for batch in train_loader:  # fault
                optimizer.zero_grad()
                F.cross_entropy(model(batch["x"]), batch["y"]).backward()
                optimizer.step()

    return train


def labels_redrawn__shuffled_for_each_epoch():
    model, points, flags = nn.Linear(16, 1), groups(160)[0], torch.arange(160) % 2
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    data = TensorDataset(points, flags)

    def train():
        loader = DataLoader(data, batch_size=32)
        for _ in range(4):
            data.tensors = points, flags[torch.randperm(160)]
            for x, y in loader:  # fault
                loss = F.binary_cross_entropy_with_logits(model(x), y.float()[:, None])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return train
