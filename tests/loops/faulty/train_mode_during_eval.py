from __future__ import annotations

import torch
from torch.nn import functional as F

from ..healthy.program import loaders, net


def mode_forgotten():
    model, (train, val) = net(norm=True, dropout=0.2), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            for x, y in val:
                F.cross_entropy(model(x), y)  # fault


def only_at_the_end():
    model, (train, val) = net(dropout=0.5), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    with torch.inference_mode():
        sum((model(x).argmax(1) == y).sum() for x, y in val)  # fault


def with_gradients_on():
    """Neither eval() nor no_grad()."""
    model, (train, val) = net(dropout=0.5), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def validate():
        return sum(F.cross_entropy(model(x), y).item() for x, y in val)  # fault

    for _ in range(3):
        for x, y in train:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        validate()
