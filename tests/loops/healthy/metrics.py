"""Metrics that look wrong and are right: both ways over a table of pairs, axes added on purpose, averages over batches of one size."""

from __future__ import annotations

import numpy
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.checks.small_data import groups

from .program import Program, loaders, net


def _measured(measure, size=32, samples=64, loss_fn=F.cross_entropy, model=None) -> Program:
    model, (train, _) = model or net(), loaders()
    val_loader = DataLoader(TensorDataset(*groups(samples, seed=5)), batch_size=size)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                loss_fn(model(x), y).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                measure(model, val_loader)

    return Program(run, (model,))


def pairs_that_find_each_other() -> Program:
    """Each picture its text and each text its picture: the maximum is taken over both axes of a table of pairs."""

    class Pairs(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x):
            return 4 * F.normalize(self.one(x[:, :8]), dim=1) @ F.normalize(self.other(x[:, 8:]), dim=1).T

    def loss_fn(table, y):
        places = torch.arange(len(table))
        return (F.cross_entropy(table, places) + F.cross_entropy(table.T, places)) / 2

    def recall(model, loader):
        found = 0
        for x, _ in loader:
            table, places = model(x), torch.arange(len(x))
            found += (table.argmax(0) == places).sum().item() + (table.argmax(1) == places).sum().item()
        return found / (2 * len(loader.dataset))

    return _measured(recall, loss_fn=loss_fn, model=Pairs())


def texts_alone_find_their_picture() -> Program:
    """Only one of the two directions, over axis 0."""

    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Linear(16, 8)

        def forward(self, x):
            seen = self.one(x)
            return seen @ seen.detach().T

    def recall(model, loader):
        return [(model(x).argmax(0) == torch.arange(len(x))).float().mean().item() for x, _ in loader]

    return _measured(recall, loss_fn=lambda table, y: F.cross_entropy(table, torch.arange(len(table))), model=Table())


def most_typical_sample_of_each_class() -> Program:
    """The maximum over the batch is what is wanted: which sample is the surest of its class."""

    def typical(model, loader):
        kept = []
        for x, y in loader:
            best = model(x).argmax(dim=0)
            kept.append(y[best] == torch.arange(4))
        return torch.stack(kept).float().mean()

    return _measured(typical, size=4)


def columns_of_their_own() -> Program:
    """Predictions and labels are columns both; a table of classes is made on purpose."""

    def confusion(model, loader):
        table, right = torch.zeros(4, 4), 0
        for x, y in loader:
            predicted = model(x).argmax(dim=1, keepdim=True)
            right += predicted.eq(y.view_as(predicted)).sum().item()
            told = (predicted.squeeze(1)[None] == torch.arange(4)[:, None]).float()
            table += told @ F.one_hot(y, 4).float()
        return right / len(loader.dataset), table

    return _measured(confusion, size=4)


def who_is_with_whom() -> Program:
    """Which samples are in one group, as predicted and as known: tables of pairs."""

    def rand_index(model, loader):
        scores = []
        for x, y in loader:
            predicted = model(x).argmax(1)
            together = predicted[:, None] == predicted
            scores.append((together == (y[:, None] == y)).float().mean().item())
            (predicted.unsqueeze(1) == y).float().mean()
        return numpy.mean(scores)

    return _measured(rand_index)


def top_two() -> Program:
    def top(model, loader):
        right = 0
        for x, y in loader:
            guesses = model(x).topk(2, dim=1).indices.t()
            right += guesses.eq(y.view(1, -1).expand_as(guesses)).any(0).sum().item()
        return right / len(loader.dataset)

    return _measured(top, size=2)


def probabilities_in_evaluation_alone() -> Program:
    """The model gives logits where it trains, and probabilities where it does not."""

    class Judge(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 1), nn.Flatten(0))

        def forward(self, x):
            out = self.layers(x)
            return out if self.training else out.sigmoid()

    def accuracy(model, loader):
        right = seen = 0
        for x, y in loader:
            right += ((model(x) > 0.5) == (y < 2)).sum().item()
            seen += len(x)
        return right / seen

    return _measured(accuracy, loss_fn=lambda out, y: F.binary_cross_entropy_with_logits(out, (y < 2).float()), model=Judge())


def many_thresholds() -> Program:
    """As many thresholds as samples, and a score that is held against all of them."""
    body = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 1))

    def curve(model, loader):
        points = []
        for x, y in loader:
            share = model(x).sigmoid()
            above = share - torch.linspace(0, 1, len(x)) > 0
            points.append(((above & (y < 2)[:, None]).float().mean(0)).sum().item())
        return sum(points) / len(points)

    return _measured(curve, loss_fn=lambda out, y: F.binary_cross_entropy_with_logits(out, (y < 2).float()[:, None]), model=body)


def margins_of_scores() -> Program:
    """A score above a margin of 0.5, learnt by a squared error: no logit."""
    body = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 1), nn.Flatten(0))

    def accuracy(model, loader):
        return sum(((model(x) > 0.5) == (y < 2)).sum().item() for x, y in loader) / len(loader.dataset)

    return _measured(accuracy, loss_fn=lambda out, y: F.mse_loss(out, (y < 2).float()), model=body)


def means_over_batches_of_one_size() -> Program:
    def validate(model, loader):
        total, losses = 0.0, []
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            total += loss.item()
            losses.append((model(x).argmax(1) == y).float().mean().item())
        return total / len(loader), numpy.mean(losses)

    return _measured(validate)


def weighted_means_over_unequal_batches() -> Program:
    def validate(model, loader):
        total, summed, number = 0.0, 0.0, 0
        for x, y in loader:
            total += F.cross_entropy(model(x), y).item() * len(x)
            summed += F.cross_entropy(model(x), y, reduction="sum").item()
            number += y.size(0)
        return total / len(loader.dataset), summed / number

    return _measured(validate, size=60)


def running_means_that_run_on() -> Program:
    """Hits and samples since the beginning; and a loss that is told, and set back, every ten batches."""
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        hits, seen, running = 0, 0, 0.0
        for _ in range(3):
            for number, (x, y) in enumerate(train, 1):
                optimizer.zero_grad()
                out = model(x)
                loss = F.cross_entropy(out, y)
                loss.backward()
                optimizer.step()
                hits += (out.argmax(1) == y).sum().item()
                seen += len(y)
                running += loss.item()
                if number % 10 == 0:
                    print(running / 10, hits / seen)
                    running = 0.0

    return Program(run, (model,))


def hits_of_a_batch() -> Program:
    """How many of a batch are right, on average, is told as what it is."""

    def told(model, loader):
        hits = [(model(x).argmax(1) == y).sum() for x, y in loader]
        return torch.stack(hits).float().mean() / loader.batch_size

    return _measured(told)


def a_loss_over_batches_with_a_smaller_last_one() -> Program:
    """What most loops do: a little off, and no matter of alarm."""

    def validate(model, loader):
        total, right = 0.0, 0.0
        for x, y in loader:
            out = model(x)
            total += F.cross_entropy(out, y).item()
            right += (out.argmax(1) == y).float().mean().item()
        return total / len(loader), right / len(loader)

    return _measured(validate, size=30)
