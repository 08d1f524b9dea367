"""Parts that never move, and gradients that fade while the loop runs."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .start import begun


def part_never_moves__detached_features():
    loader = begun()[2]
    torch.manual_seed(0)
    encoder, head = nn.Sequential(nn.Linear(16, 24), nn.ReLU()), nn.Linear(24, 4)
    optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=1e-2)

    def train():
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                features = encoder(x).detach()  # fault
                F.cross_entropy(head(features), y).backward()
                optimizer.step()

    return train


def part_never_moves__data_in_forward():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Linear(16, 24), nn.Linear(24, 4)

        def forward(self, x):
            hidden = torch.relu(self.body(x).data)  # fault
            return self.head(hidden)

    class Runner:
        def __init__(self):
            self.loader = begun()[2]
            torch.manual_seed(0)
            self.model = Net()
            self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05)

        def fit(self):
            for _ in range(3):
                for x, y in self.loader:
                    self.optimizer.zero_grad()
                    F.cross_entropy(self.model(x), y).backward()
                    self.optimizer.step()

    return Runner().fit


def part_never_moves__group_without_a_rate():
    model, _, loader = begun()

    def train():
        groups = [{"params": model[0].parameters(), "lr": 1 // 100}, {"params": model[2].parameters()}]
        optimizer = torch.optim.SGD(groups, lr=0.05)  # fault
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return train


def part_never_moves__both_factors_zero():
    class Adapted(nn.Module):
        def __init__(self, plain):
            super().__init__()
            self.plain, self.down, self.up = plain.requires_grad_(False), nn.Linear(24, 2, bias=False), nn.Linear(2, 4, bias=False)
            nn.init.zeros_(self.down.weight)
            nn.init.zeros_(self.up.weight)
            self.shift = nn.Parameter(torch.zeros(4))

        def forward(self, x):
            return self.plain(x) + self.up(self.down(x)) + self.shift  # fault

    model, _, loader = begun()
    model[2] = Adapted(model[2])
    optimizer = torch.optim.Adam(model[2].parameters(), lr=1e-2)

    def train():
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return train


def vanishing_gradient__dead_after_long_steps():
    loader = begun()[2]
    model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=2.0)

    def train():
        for _ in range(12):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()  # fault
                optimizer.step()
            optimizer.param_groups[0]["lr"] = 0.05

    return train
