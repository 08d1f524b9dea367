"""Loops whose batches look wrong and are not: one batch on purpose, in order of time, one class in most, all of a graph in each step."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.checks.small_data import groups

from .program import Program, accuracy, loaders, net


def left_after_the_first_batch() -> Program:
    """One batch by heart, out of a loader that is begun for each epoch and left at once."""
    model, (train, _) = net(), loaders()
    fixed = DataLoader(train.dataset, batch_size=16)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(40):
            for x, y in fixed:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
                break

    return Program(run, (model,))


def classes_that_come_and_go_over_time() -> Program:
    """A record of activities, in the order in which it was made."""
    model, order = net(), torch.arange(4).repeat(3).repeat_interleave(20)
    points, labels = groups(240)
    places = torch.cat([(labels == label).nonzero().flatten()[20 * turn : 20 * turn + 20] for turn in range(2) for label in range(4)])
    train = DataLoader(TensorDataset(points[places], order[: len(places)]), batch_size=10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return Program(run, (model,))


def rarely_another_class() -> Program:
    model, points = net(), torch.randn(160, 16, generator=torch.Generator().manual_seed(1))
    labels = (torch.arange(160) % 40 == 0).long()
    train = DataLoader(TensorDataset(points, labels), batch_size=8)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return Program(run, (model,))


def all_of_a_graph_in_each_step() -> Program:
    """The loader gives the nodes whose loss counts; the network sees all of them each time."""
    points, labels = groups(80)
    torch.manual_seed(0)
    model, mixing = net(), torch.softmax(torch.randn(80, 80), 1)
    train = DataLoader(torch.arange(80), batch_size=16, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for nodes in train:
                optimizer.zero_grad()
                F.cross_entropy((mixing @ model(points))[nodes], labels[nodes]).backward()
                optimizer.step()

    return Program(run, (model,))


def first_batch_of_a_shuffling_loader() -> Program:
    """Steps without epochs: a loader that shuffles gives a random batch whenever it is begun."""
    model, (train, val) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(30):
            x, y = next(iter(train))
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        accuracy(model, val)

    return Program(run, (model,))


def slopes_of_the_validation_loss() -> Program:
    """Sharpness is measured on validation data, by gradients that no step follows."""
    model, (train, val), loss_fn = net(), loaders(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                loss_fn(model(x), y).backward()
                optimizer.step()
            model.eval()
            for x, y in val:
                torch.autograd.grad(loss_fn(model(x), y), list(model.parameters()))

    return Program(run, (model,))


def training_error_by_a_loader_of_its_own() -> Program:
    """The training set in order, to measure the error on it; the validation set is another."""
    model, (train, val) = net(dropout=0.1), loaders()
    train_in_order = DataLoader(train.dataset, batch_size=40)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            accuracy(model, train_in_order), accuracy(model, val)

    return Program(run, (model,))


def next_to_a_reference() -> Program:
    """A model that stays as it is, evaluated along with the one that is trained."""
    model, reference, (train, val) = net(), net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            accuracy(model, val), accuracy(reference, val)

    return Program(run, (model, reference))
