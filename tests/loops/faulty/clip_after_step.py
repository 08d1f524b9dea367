from __future__ import annotations

import torch
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from ..healthy.program import loaders, net


def by_norm_imported_by_name():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(3):
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            clip_grad_norm_(model.parameters(), max_norm=0.1)  # fault


def by_value_in_a_function():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def batch(x, y):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        torch.nn.utils.clip_grad_value_(model.parameters(), 0.01)  # fault

    for _ in range(3):
        for x, y in train:
            batch(x, y)


def cleared_at_the_end():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(3):
        for x, y in train:
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)  # fault
            optimizer.zero_grad()


_ = clip_grad_value_
