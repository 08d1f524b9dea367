from __future__ import annotations

import torch
from torch.nn import functional as F

from ..healthy.program import loaders, net


def between_backward_and_step():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        for x, y in train:
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.zero_grad()  # fault
            optimizer.step()


def the_model_is_cleared_to_zeros():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(3):
        for x, y in train:
            F.cross_entropy(model(x), y).backward()
            model.zero_grad(set_to_none=False)  # fault
            optimizer.step()


def inside_the_accumulation():
    model, (train, _) = net(), loaders(size=8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    def train_epoch():
        for number, (x, y) in enumerate(train):
            optimizer.zero_grad()  # fault
            (F.cross_entropy(model(x), y) / 4).backward()
            if number % 4 == 3:
                optimizer.step()

    for _ in range(4):
        train_epoch()


def in_a_step_function():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    def update(loss):
        loss.backward()
        optimizer.zero_grad(set_to_none=True)  # fault
        optimizer.step()

    for _ in range(2):
        for x, y in train:
            update(F.cross_entropy(model(x), y))


def cleared_each_epoch_only():
    model, (train, _) = net(), loaders(size=8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(3):
        optimizer.zero_grad()  # fault
        for x, y in train:
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
