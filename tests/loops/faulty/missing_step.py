from __future__ import annotations

import torch
from torch.nn import functional as F

from ..healthy.program import accuracy, loaders, net


def brackets_forgotten():
    model, (train, val) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(2):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()  # fault
            optimizer.step  # noqa: B018
        accuracy(model, val)


def a_condition_that_never_holds():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer.zero_grad()
    for _ in range(3):
        model.train()
        for number, (x, y) in enumerate(train):
            (F.cross_entropy(model(x), y) / 4).backward()  # fault
            if number % 4 == 4:
                optimizer.step()
                optimizer.zero_grad()


def the_scaler_does_not_step():
    model, (train, _) = net(), loaders()
    optimizer, scaler = torch.optim.SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu", enabled=False)
    for _ in range(2):
        for x, y in train:
            optimizer.zero_grad()
            scaler.scale(F.cross_entropy(model(x), y)).backward()  # fault
            scaler.update()
