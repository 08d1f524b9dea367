from __future__ import annotations

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader

from ..healthy.program import accuracy, loaders, net


def begun_anew_for_each_step():
    model, (train, val) = net(), loaders()
    train = DataLoader(train.dataset, batch_size=16)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(40):
        x, y = next(iter(train))  # fault
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        if step % 20 == 19:
            accuracy(model, val)


def in_a_method():
    class Batches:
        def __init__(self, loader):
            self.loader = loader

        def get(self):
            source = iter(self.loader)  # fault
            return next(source)

    model, (train, _) = net(), loaders()
    batches = Batches(DataLoader(train.dataset, batch_size=20, shuffle=False))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(30):
        x, y = batches.get()
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def the_batch_of_a_first_look():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    x, y = next(iter(train))
    for _ in range(3):
        for _data, _target in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()  # fault
            optimizer.step()
