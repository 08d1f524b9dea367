from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..healthy.program import loaders, net


def in_a_plain_loop():
    model, (train, val) = net(norm=True, dropout=0.2), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        correct = 0
        for x, y in val:
            correct += (model(x).argmax(1) == y).sum().item()  # fault


def in_a_function():
    model, (train, val), loss_fn = net(), loaders(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def validate():
        return sum(loss_fn(model(x), y).item() for x, y in val) / len(val)  # fault

    for _ in range(3):
        for x, y in train:
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        validate()
