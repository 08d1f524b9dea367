"""Loops that look at the test set and decide by something else, and such that decide by a validation set."""

from __future__ import annotations

import copy

import torch
from torch.nn import functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR
from torch.utils.data import DataLoader, Subset, TensorDataset

from dldebug_magics.checks.small_data import groups

from .program import Program, accuracy, loaders, net


def _parts():
    model, (train_loader, val_loader) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    return model, train_loader, val_loader, DataLoader(TensorDataset(*groups(64, seed=6)), batch_size=32), optimizer


def _epoch(model, loader, optimizer):
    losses = []
    for x, y in loader:
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def looked_at_in_each_epoch() -> Program:
    """The best weights and the rate follow the validation set; the test set is for the plot."""
    model, train_loader, val_loader, test_loader, optimizer = _parts()
    schedule = ReduceLROnPlateau(optimizer, mode="max", patience=1)

    def run():
        best, best_state = 0.0, None
        for _ in range(4):
            _epoch(model, train_loader, optimizer)
            val_accuracy, _ = accuracy(model, val_loader), accuracy(model, test_loader)
            schedule.step(val_accuracy)
            if val_accuracy > best:
                best, best_state = val_accuracy, copy.deepcopy(model.state_dict())
        model.load_state_dict(best_state)

    return Program(run, (model,))


def rate_by_the_training_loss() -> Program:
    model, train_loader, _, test_loader, optimizer = _parts()
    plateau, steps, checkpoints = ReduceLROnPlateau(optimizer, patience=1), StepLR(optimizer, 2), []

    def run():
        for _ in range(4):
            train_loss = _epoch(model, train_loader, optimizer)
            accuracy(model, test_loader)
            plateau.step(train_loss)
            steps.step()
            checkpoints.append(copy.deepcopy(model.state_dict()))

    return Program(run, (model,))


def best_of_validation_then_tested() -> Program:
    model, train_loader, val_loader, test_loader, optimizer = _parts()

    def run():
        best, best_state = 0.0, None
        for _ in range(3):
            _epoch(model, train_loader, optimizer)
            if (score := accuracy(model, val_loader)) > best:
                best, best_state = score, copy.deepcopy(model.state_dict())
        model.load_state_dict(best_state)
        accuracy(model, test_loader)

    return Program(run, (model,))


def folds_of_one_model_that_is_reset() -> Program:
    """Cross-validation with one model, set back for each fold: what one fold evaluates, another one trains on."""
    data, model = TensorDataset(*groups(96)), net()
    begun = copy.deepcopy(model.state_dict())

    def run():
        for fold in range(3):
            model.load_state_dict(begun)
            held = torch.arange(96) % 3 == fold
            train_loader = DataLoader(Subset(data, (~held).nonzero().flatten().tolist()), batch_size=16, shuffle=True)
            val_loader = DataLoader(Subset(data, held.nonzero().flatten().tolist()), batch_size=16)
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
            for _ in range(2):
                _epoch(model, train_loader, optimizer)
                accuracy(model, val_loader)

    return Program(run, (model,))
