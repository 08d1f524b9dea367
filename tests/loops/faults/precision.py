"""Numbers that float16 can't hold."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .start import begun


def fp16_overflow_or_underflow__epsilon_of_adam():
    model, _, loader = begun()
    model.half()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def train():
        for _ in range(2):
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x.half()), y)
                loss.backward()
                optimizer.step()  # fault

    return train


def fp16_overflow_or_underflow__large_inputs():
    class Runner:
        def __init__(self):
            self.model, self.optimizer, self.loader = begun(rate=1e-3)

        def loss(self, x, y):
            with torch.autocast("cpu", dtype=torch.float16):
                return F.cross_entropy(self.model(8000 * x), y)  # fault

        def fit(self):
            for _ in range(2):
                for x, y in self.loader:
                    self.optimizer.zero_grad()
                    self.loss(x, y).backward()
                    self.optimizer.step()

    return Runner().fit


def fp16_overflow_or_underflow__no_scaler():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    pictures = torch.rand(8, 1, 64, 64)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)

    def train():
        for _ in range(20):
            with torch.autocast("cpu", dtype=torch.float16):
                out = model(pictures)
            loss = 1e-3 * F.mse_loss(out.float(), pictures)
            optimizer.zero_grad()
            loss.backward()  # fault
            optimizer.step()

    return train
