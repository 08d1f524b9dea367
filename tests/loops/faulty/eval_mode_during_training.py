from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..healthy.program import accuracy, loaders, net


def back_once_before_the_epochs():
    model, (train, val) = net(norm=True, dropout=0.2), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    model.train()  # fault
    for _ in range(4):
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        accuracy(model, val)


def never_called_back():
    """A new model is in training mode until the first validation."""
    model, (train, val) = net(dropout=0.5), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()  # fault
        with torch.no_grad():
            [F.cross_entropy(model(x), y) for x, y in val]


def eval_in_place_of_train():
    model, (train, _) = net(dropout=0.5), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        model.eval()  # fault
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()


def in_a_class_with_a_check_between():
    class Trainer:
        def __init__(self):
            self.net = nn.Sequential(nn.Linear(16, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 4))
            self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-2)
            self.train_loader, self.val_loader = loaders()

        def check(self):
            self.net.eval()
            with torch.inference_mode():
                return [self.net(x) for x, _ in self.val_loader]

        def fit(self):
            self.net.train()  # fault
            for _ in range(3):
                for number, (x, y) in enumerate(self.train_loader):
                    self.optimizer.zero_grad()
                    F.cross_entropy(self.net(x), y).backward()
                    self.optimizer.step()
                    if number == 5:
                        self.check()

    Trainer().fit()
