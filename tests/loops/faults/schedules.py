"""Schedules that are stepped too early, never, or are over too soon."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .start import begun


def scheduler_before_optimizer__each_batch():
    model, optimizer, loader = begun()
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=40)

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                scheduler.step()  # fault
                optimizer.step()

    return train


def scheduler_before_optimizer__class():
    class Runner:
        def __init__(self):
            self.model, self.optimizer, self.loader = begun(kind=torch.optim.Adam, rate=1e-2)
            self.schedule = torch.optim.lr_scheduler.StepLR(self.optimizer, 2, gamma=0.5)

        def epoch(self):
            self.schedule.step()  # fault
            for x, y in self.loader:
                self.optimizer.zero_grad()
                F.cross_entropy(self.model(x), y).backward()
                self.optimizer.step()

        def fit(self):
            return [self.epoch() for _ in range(4)]

    return Runner().fit


def scheduler_never_stepped__plain():
    model, optimizer, loader = begun()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()  # fault
            print(scheduler.get_last_lr())

    return train


def scheduler_never_stepped__class():
    class Runner:
        def __init__(self):
            self.model, self.optimizer, self.loader = begun(kind=torch.optim.AdamW, rate=1e-2)
            self.schedule = torch.optim.lr_scheduler.LinearLR(self.optimizer, 0.01, total_iters=10)

        def update(self, x, y):
            self.optimizer.zero_grad()
            F.cross_entropy(self.model(x), y).backward()
            self.optimizer.step()  # fault

        def fit(self):
            for _ in range(4):
                for x, y in self.loader:
                    self.update(x, y)

    return Runner().fit


def lr_zero_or_scheduled_away__never_set():
    model, optimizer, loader = begun(rate=0.0)

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()  # fault

    return train


def lr_zero_or_scheduled_away__warm_up_of_whole_numbers():
    model, optimizer, loader = begun(kind=torch.optim.Adam, rate=1e-2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: min(1, epoch // 100))

    def train():
        for _ in range(5):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            scheduler.step()  # fault

    return train
