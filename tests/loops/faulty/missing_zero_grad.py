from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..healthy.program import accuracy, loaders, net


def in_a_plain_loop():
    model, (train, val) = net(), loaders()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-3)
    for _ in range(3):
        model.train()
        for x, y in train:
            loss = F.cross_entropy(model(x), y)
            loss.backward()  # fault
            optimizer.step()
        accuracy(model, val)


def in_a_method():
    class Trainer:
        def __init__(self):
            self.model, (self.train, _) = net(dropout=0.1), loaders()
            self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-2)

        def batch(self, x, y):
            loss = nn.CrossEntropyLoss()(self.model(x), y)
            loss.backward()  # fault
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()
            return loss.item()

        def fit(self):
            return [self.batch(x, y) for _ in range(3) for x, y in self.train]

    Trainer().fit()


def with_a_scaler():
    model, (train, _) = net(), loaders()
    optimizer, scaler = torch.optim.SGD(model.parameters(), lr=0.05), torch.amp.GradScaler("cpu", init_scale=4.0)
    for _ in range(3):
        for x, y in train:
            loss = F.cross_entropy(model(x), y)
            scaler.scale(loss).backward()  # fault
            scaler.step(optimizer)
            scaler.update()


def cleared_once_before_the_loop():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    optimizer.zero_grad()
    for _ in range(3):
        for x, y in train:
            F.cross_entropy(model(x), y).backward()  # fault
            optimizer.step()


def of_one_of_two_optimizers():
    """The first one's gradients are cleared, the second one's never."""
    trunk, head = net(), nn.Linear(4, 4)
    (train, _), first = loaders(), torch.optim.SGD(trunk.parameters(), lr=0.05)
    second = torch.optim.SGD(head.parameters(), lr=0.05)
    for _ in range(3):
        for x, y in train:
            first.zero_grad()
            F.cross_entropy(head(trunk(x)), y).backward()  # fault
            first.step()
            second.step()


def another_model_is_cleared():
    model, other, (train, _) = net(), net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        for x, y in train:
            other.zero_grad()
            F.cross_entropy(model(x), y).backward()  # fault
            optimizer.step()


def in_an_accumulation():
    """Two batches a step, and nothing cleared after it."""
    model, (train, _) = net(), loaders(size=8)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        for number, (x, y) in enumerate(train):
            (F.cross_entropy(model(x), y) / 2).backward()  # fault
            if number % 2 == 1:
                optimizer.step()
