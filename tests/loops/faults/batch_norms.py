"""Batch norms whose statistics are noise, or never those of training."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.checks.small_data import groups

from .start import begun


def _normed(**settings):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 24), nn.BatchNorm1d(24, **settings), nn.ReLU(), nn.Linear(24, 4))


def bn_small_batch__pairs():
    model, loader = _normed(), begun(size=2)[2]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def train():
        for x, y in loader:  # fault
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    return train


def bn_small_batch__accumulated_in_a_class():
    class Runner:
        def __init__(self):
            self.model, self.loader = _normed(), begun(size=2)[2]
            self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05)

        def epoch(self):
            for number, (x, y) in enumerate(self.loader, 1):  # fault
                (F.cross_entropy(self.model(x), y) / 4).backward()
                if number % 4 == 0:
                    self.optimizer.step()
                    self.optimizer.zero_grad()

        def fit(self):
            for _ in range(2):
                self.epoch()

    return Runner().fit


def bn_stats_not_converged__tiny_momentum():
    model, loader = _normed(momentum=1e-5), begun()[2]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    held_out = DataLoader(TensorDataset(*groups(64, seed=5)), batch_size=32)

    def train():
        for _ in range(4):
            model.train()
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                for x, _ in held_out:
                    model(x)  # fault

    return train


def bn_stats_not_converged__kept_share_as_elsewhere():
    class Runner:
        def __init__(self):
            self.model, self.loader = _normed(momentum=1e-4), begun()[2]
            self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05)
            self.held_out = groups(64, seed=5)

        def validate(self):
            self.model.eval()
            with torch.no_grad():
                return (self.model(self.held_out[0]).argmax(1) == self.held_out[1]).float().mean()  # fault

        def fit(self):
            for _ in range(3):
                self.model.train()
                for x, y in self.loader:
                    F.cross_entropy(self.model(x), y).backward()
                    self.optimizer.step()
                    self.optimizer.zero_grad()
                self.validate()

    return Runner().fit
