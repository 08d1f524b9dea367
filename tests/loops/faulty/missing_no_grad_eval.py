from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

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
        total = 0
        for x, y in DataLoader(val.dataset, batch_size=8):
            total += F.cross_entropy(model(x), y)  # fault


def in_a_function():
    model, (train, val), loss_fn = net(), loaders(), nn.CrossEntropyLoss()
    val = DataLoader(val.dataset, batch_size=8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def validate():
        outputs = [model(x) for x, y in val]  # fault
        return loss_fn(torch.cat(outputs), val.dataset.tensors[1]).item()

    for _ in range(3):
        for x, y in train:
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        validate()
