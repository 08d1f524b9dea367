"""Gradients that grow on their way back, without a limit to them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .start import begun


def exploding_gradient__recurrent():
    torch.manual_seed(0)
    recurrent, head = nn.RNN(4, 32, nonlinearity="relu", batch_first=True), nn.Linear(32, 3)
    nn.init.orthogonal_(recurrent.weight_hh_l0, 2.5)
    x = torch.randn(64, 40, 4)
    y = (x[:, 0, 0] > 0).long()
    optimizer = torch.optim.SGD([*recurrent.parameters(), *head.parameters()], lr=0.05)

    def train():
        for _ in range(20):
            optimizer.zero_grad()
            loss = F.cross_entropy(head(recurrent(x)[0][:, -1]), y)
            loss.backward()  # fault
            optimizer.step()

    return train


def exploding_gradient__cells_in_a_class():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.enter, self.carry, self.head = nn.Linear(2, 24), nn.Linear(24, 24, bias=False), nn.Linear(24, 2)
            nn.init.orthogonal_(self.carry.weight, 1.6)

        def forward(self, x):
            state = x.new_zeros(len(x), 24)
            for moment in x.unbind(1):
                state = self.enter(moment) + self.carry(state)
            return self.head(state)

    class Runner:
        def __init__(self):
            torch.manual_seed(0)
            self.model, self.x = Reader(), torch.randn(48, 30, 2)
            self.y = (self.x.sum((1, 2)) > 0).long()
            self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)

        def step(self):
            self.optimizer.zero_grad()
            F.cross_entropy(self.model(self.x), self.y).backward()  # fault
            self.optimizer.step()

        def fit(self):
            for _ in range(30):
                self.step()

    return Runner().fit


def exploding_gradient__deep():
    loader = begun()[2]
    torch.manual_seed(0)
    model = nn.Sequential(*[layer for _ in range(14) for layer in (nn.Linear(16, 16), nn.ReLU())], nn.Linear(16, 4))
    for layer in model[::2]:
        nn.init.normal_(layer.weight, std=0.8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def train():
        for _ in range(3):
            for x, y in loader:
                loss = F.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()  # fault
                optimizer.step()

    return train
