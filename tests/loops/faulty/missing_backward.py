from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..healthy.program import loaders, net


def forgotten():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(2):
        for x, y in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            optimizer.step()  # fault
            loss.item()


def brackets_forgotten():
    model, (train, _), loss_fn = net(dropout=0.1), loaders(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def batch(x, y):
        optimizer.zero_grad(set_to_none=False)
        loss = loss_fn(model(x), y)
        loss.backward  # noqa: B018
        optimizer.step()  # fault

    for _ in range(2):
        for x, y in train:
            batch(x, y)
