"""Loops that compare: an ensemble side by side, rates that are tried for an epoch each, a rate that falls only when it has to."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .program import Program, accuracy, loaders, net


def _epoch(model, train, optimizer):
    for x, y in train:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def ensemble_side_by_side() -> Program:
    """As many models as epochs, by the way."""
    models, (train, _) = [net() for _ in range(3)], loaders()

    def run():
        optimizers = [torch.optim.Adam(model.parameters(), lr=1e-2) for model in models]
        for _ in range(3):
            for x, y in train:
                for model, optimizer in zip(models, optimizers, strict=True):
                    optimizer.zero_grad()
                    F.cross_entropy(model(x), y).backward()
                    optimizer.step()

    return Program(run, tuple(models))


def rates_tried_for_an_epoch_each() -> Program:
    train, val = loaders()
    best = net()

    def run():
        told = {}
        for rate in (1e-3, 1e-2, 1e-1, 1.0):
            model = net()
            _epoch(model, train, torch.optim.SGD(model.parameters(), lr=rate))
            told[rate] = accuracy(model, val)
        _epoch(best, train, torch.optim.SGD(best.parameters(), lr=max(told, key=told.get)))

    return Program(run, (best,))


def rate_that_falls_when_validation_stalls() -> Program:
    """As PyTorch's text classification tutorial has it; here validation never stalls."""
    model, (train, val) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1)

    def run():
        total = None
        for _ in range(4):
            model.train()
            _epoch(model, train, optimizer)
            now = accuracy(model, val)
            if total is not None and total > now:
                scheduler.step()
            else:
                total = now

    return Program(run, (model,))


def rate_that_falls_in_later_epochs() -> Program:
    class Trainer:
        def __init__(self):
            self.model, (self.train, _) = net(), loaders()
            self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-2)
            self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, 0.9)

        def after_epoch(self, epoch):
            if epoch > 20:
                self.scheduler.step()

        def fit(self):
            for epoch in range(4):
                _epoch(self.model, self.train, self.optimizer)
                self.after_epoch(epoch)

    trainer = Trainer()
    return Program(trainer.fit, (trainer.model,))
