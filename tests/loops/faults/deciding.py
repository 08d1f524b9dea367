"""Loops in which the test set decides."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.checks.small_data import groups

from .start import begun


class Trainer:
    def __init__(self):
        self.model, self.optimizer, self.trainloader = begun()
        self.testloader = DataLoader(TensorDataset(*groups(64, seed=5)), batch_size=32)
        self.schedule = ReduceLROnPlateau(self.optimizer, patience=1)

    def epoch(self):
        self.model.train()
        for x, y in self.trainloader:
            self.optimizer.zero_grad()
            F.cross_entropy(self.model(x), y).backward()
            self.optimizer.step()

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        return sum(F.cross_entropy(self.model(x), y, reduction="sum").item() for x, y in loader) / len(loader.dataset)


def tuned_on_test__rate():
    trainer = Trainer()

    def train():
        for _ in range(4):
            trainer.epoch()
            val_loss = trainer.evaluate(trainer.testloader)
            trainer.schedule.step(val_loss)  # fault

    return train


def tuned_on_test__best_weights():
    model, optimizer, train_loader = begun()
    test_loader, loss_fn = DataLoader(TensorDataset(*groups(64, seed=5)), batch_size=32), nn.CrossEntropyLoss()

    def train():
        best, best_state = float("inf"), None
        for _ in range(4):
            for x, y in train_loader:
                optimizer.zero_grad()
                loss_fn(model(x), y).backward()
                optimizer.step()
            with torch.no_grad():
                loss = sum(float(loss_fn(model(x), y)) for x, y in test_loader)
            if loss < best:
                best, best_state = loss, copy.deepcopy(model.state_dict())  # fault
        model.load_state_dict(best_state)

    return train
