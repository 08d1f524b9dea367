from __future__ import annotations

import torch
from torch.nn import functional as F

from ..healthy.program import accuracy, loaders, net


def in_each_epoch():
    model, (train, val) = net(), loaders()
    for _ in range(5):
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)  # fault
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        accuracy(model, val)


def in_a_function_called_for_each_epoch():
    model, (train, _) = net(dropout=0.1), loaders()

    def epoch():
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)  # fault
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    for _ in range(4):
        epoch()


def in_each_step():
    model, (train, _) = net(), loaders()
    for _ in range(3):
        for x, y in train:
            optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)  # fault
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()


def in_each_step_over_lists():
    model, (train, _) = net(), loaders()
    for x, y in list(train) * 3:
        loss = F.cross_entropy(model(x), y)
        optimizer = torch.optim.Adam(model.parameters())  # fault
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
