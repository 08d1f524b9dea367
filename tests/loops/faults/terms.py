"""Losses of several terms, of which one is drowned."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .start import begun


def loss_weight_imbalance__boxes_in_pixels():
    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk, self.kind, self.box = nn.Sequential(nn.Linear(16, 24), nn.Tanh()), nn.Linear(24, 4), nn.Linear(24, 2)

        def forward(self, x):
            seen = self.trunk(x)
            return self.kind(seen), self.box(seen)

    loader, model = begun()[2], Detector()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)

    def train():
        for _ in range(6):
            for x, y in loader:
                optimizer.zero_grad()
                kind, box = model(x)
                class_loss = F.cross_entropy(kind, y)  # fault
                box_loss = F.mse_loss(box, 600 + 200 * x[:, :2])
                loss = class_loss + box_loss
                loss.backward()
                optimizer.step()

    return train


def loss_weight_imbalance__a_sum_beside_a_mean():
    """The divergence is summed over the batch and all its places, the reconstruction is a mean."""

    class Coder(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.decode = nn.Linear(16, 512), nn.Linear(256, 16)

        def forward(self, x):
            mean, spread = self.encode(x).chunk(2, 1)
            return self.decode(mean + torch.randn_like(mean) * (spread / 2).exp()), mean, spread

    class Runner:
        def __init__(self):
            self.loader, self.model = begun(size=32)[2], Coder()
            self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-6)

        def objective(self, x):
            out, mean, spread = self.model(x)
            likeness = F.mse_loss(out, x)  # fault
            apart = (mean.square() + spread.exp() - spread - 1).sum()
            return likeness + apart

        def fit(self):
            for _ in range(12):
                for x, _ in self.loader:
                    loss = self.objective(x)
                    self.optimizer.zero_grad()
                    loss.backward()
                    self.optimizer.step()

    return Runner().fit


def loss_weight_imbalance__a_weight_that_forgets_it():
    model, optimizer, loader = begun(kind=torch.optim.Adam, rate=1e-2)
    second = nn.Linear(24, 4)
    optimizer.add_param_group({"params": second.parameters(), "lr": 1e-7})

    def objective(x, y):
        hidden = model[:2](x)
        auxiliary = 1e-6 * F.cross_entropy(second(hidden), (y + 1) % 4)  # fault
        return F.cross_entropy(model[2](hidden), y, reduction="sum") + auxiliary

    def train():
        for _ in range(8):
            for x, y in loader:
                optimizer.zero_grad()
                objective(x, y).backward()
                optimizer.step()

    return train
