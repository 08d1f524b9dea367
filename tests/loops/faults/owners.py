"""Parameters that the wrong one holds, that are made anew, or that were to stay as they are."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .start import begun


def optimizer_wrong_params__old_model():
    _, optimizer, loader = begun()
    model = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 4))

    def train():
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()  # fault
                model.zero_grad()

    return train


def optimizer_wrong_params__head_replaced():
    class Net(nn.Module):
        def __init__(self, classes):
            super().__init__()
            self.trunk, self.head = nn.Sequential(nn.Linear(16, 24), nn.ReLU()), nn.Linear(24, classes)

        def forward(self, x):
            return self.head(self.trunk(x))

    class Runner:
        def __init__(self):
            self.model, self.loader = Net(10), begun()[2]
            self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-2)
            self.model.head = nn.Linear(24, 4)

        def fit(self):
            for _ in range(3):
                for x, y in self.loader:
                    self.optimizer.zero_grad()
                    F.cross_entropy(self.model(x), y).backward()
                    self.optimizer.step()  # fault

    torch.manual_seed(0)
    return Runner().fit


def optimizer_wrong_params__decoder_left_out():
    torch.manual_seed(0)
    encoder, decoder, loader = nn.Sequential(nn.Linear(16, 8), nn.ReLU()), nn.Linear(8, 16), begun()[2]

    def train():
        optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-2)  # fault
        for _ in range(3):
            for x, _ in loader:
                optimizer.zero_grad()
                F.mse_loss(decoder(encoder(x)), x).backward()
                optimizer.step()

    return train


def model_recreated__each_epoch():
    loader = begun()[2]

    def train():
        torch.manual_seed(0)
        for _ in range(5):
            net = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 4))  # fault
            optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(net(x), y).backward()
                optimizer.step()

    return train


def model_recreated__in_a_method():
    class Runner:
        def __init__(self):
            self.loader = begun()[2]

        def begin(self):
            self.net = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 4))  # fault
            self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-2)

        def epoch(self):
            self.begin()
            for x, y in self.loader:
                self.optimizer.zero_grad()
                F.cross_entropy(self.net(x), y).backward()
                self.optimizer.step()

        def fit(self):
            for _ in range(4):
                self.epoch()

    return Runner().fit


def freeze_not_effective__module():
    model, optimizer, loader = begun()
    model[0].requires_grad = False

    def train():
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()  # fault

    return train


def freeze_not_effective__misspelt():
    class Runner:
        def __init__(self):
            self.model, self.optimizer, self.loader = begun(kind=torch.optim.AdamW, rate=1e-2)
            for p in self.model[0].parameters():
                p.require_grad = False

        def fit(self):
            for _ in range(3):
                for x, y in self.loader:
                    F.cross_entropy(self.model(x), y).backward()
                    self.optimizer.step()  # fault
                    self.optimizer.zero_grad()

    return Runner().fit
