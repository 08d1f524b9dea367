"""Numbers that leave their domain."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .start import begun


def nan_inf_numeric__logarithm():
    model, optimizer, loader = begun(rate=0.1)

    def train():
        for number in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                shares = model(x).softmax(1)
                picked = shares.gather(1, y[:, None]) * (number < 3)
                loss = -torch.log(picked).mean()  # fault
                loss.backward()
                optimizer.step()

    return train


def nan_inf_numeric__division_in_the_model():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Sequential(begun()[0][0], nn.ReLU()), nn.Linear(24, 4)
            self.body[0].bias.data[3] = -50.0

        def forward(self, x):
            hidden = self.body(x)
            return self.head(hidden / hidden.std(dim=0))  # fault

    model, loader = Scaled(), begun()[2]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def train():
        for _ in range(2):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return train


def nan_inf_numeric__slope_of_a_root():
    model, optimizer, loader = begun()

    def penalty(out):
        return (out - out.detach()).pow(2).sum(1).sqrt().mean()  # fault

    def train():
        for _ in range(2):
            for x, y in loader:
                optimizer.zero_grad()
                out = model(x)
                (F.cross_entropy(out, y) + penalty(out)).backward()
                optimizer.step()

    return train
