from __future__ import annotations

import torch
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedulers

from ..healthy.program import accuracy, loaders, net


def decay_by_epoch_stepped_by_batch():
    model, (train, val) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = schedulers.StepLR(optimizer, step_size=3, gamma=0.3)
    for _ in range(5):
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            scheduler.step()  # fault
        accuracy(model, val)


def exponential_stepped_by_batch():
    model, (train, _) = net(), loaders(size=8)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = schedulers.ExponentialLR(optimizer, gamma=0.9)

    def batch(x, y):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()  # fault

    for _ in range(6):
        for x, y in train:
            batch(x, y)


def cosine_over_epochs_stepped_by_batch():
    model, (train, _) = net(), loaders()
    optimizer, epochs = torch.optim.SGD(model.parameters(), lr=0.1), 8
    scheduler = schedulers.CosineAnnealingLR(optimizer, T_max=epochs)
    for _ in range(epochs):
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            scheduler.step()  # fault


def one_cycle_stepped_by_epoch():
    model, (train, val) = net(), loaders()
    optimizer, epochs = torch.optim.SGD(model.parameters(), lr=0.01), 6
    scheduler = schedulers.OneCycleLR(optimizer, max_lr=0.1, epochs=epochs, steps_per_epoch=len(train))
    for _ in range(epochs):
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        scheduler.step()  # fault
        accuracy(model, val)


def decay_by_epoch_over_lists():
    model, (train, _) = net(), loaders()
    batches, optimizer = list(train), torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = schedulers.MultiStepLR(optimizer, milestones=[3, 6, 9], gamma=0.1)
    for _ in range(4):
        for x, y in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            scheduler.step()  # fault
