"""Gradients that do not come through."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .start import begun


def vanishing_gradient__plain():
    loader = begun()[2]
    model = nn.Sequential(*[layer for _ in range(8) for layer in (nn.Linear(16, 16), nn.Sigmoid())], nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()  # fault
                optimizer.step()

    return train


def vanishing_gradient__class():
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(16, 16) for _ in range(10)])
            self.head = nn.Linear(16, 4)

        def forward(self, x):
            for layer in self.layers:
                x = torch.tanh(0.1 * layer(x))
            return self.head(x)

    class Runner:
        def __init__(self):
            self.loader, self.model = begun()[2], Deep()
            self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)

        def fit(self):
            for _ in range(4):
                for x, y in self.loader:
                    self.optimizer.zero_grad()
                    F.cross_entropy(self.model(x), y).backward()  # fault
                    self.optimizer.step()

    return Runner().fit
