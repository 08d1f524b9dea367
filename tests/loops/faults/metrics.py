"""Metrics of the loop's own that choose, compare or average in the wrong way, while training goes well."""

from __future__ import annotations

import numpy
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset, TensorDataset

from dldebug_magics.checks.small_data import groups

from .start import begun


def _measured(measure, rate=1e-2, size=32, loss_fn=F.cross_entropy, model=None):
    """A loop that trains well, and measures after each epoch; 160 samples are five batches of 32."""
    begun_model, _, loader = begun()
    model = model or begun_model
    optimizer, others = torch.optim.Adam(model.parameters(), lr=rate), TensorDataset(*groups(160, seed=5))
    val_loader = DataLoader(Subset(others, torch.randperm(160).tolist()), batch_size=size)

    def train():
        for _ in range(3):
            model.train()
            for x, y in loader:
                optimizer.zero_grad()
                loss_fn(model(x), y).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                measure(model, val_loader)

    return train


def metric_loss_disagree__over_the_batch():
    def accuracy(model, loader):
        correct = 0
        for x, y in loader:
            predicted = torch.argmax(model(x), dim=0)  # fault
            correct += (predicted == y).sum().item()
        return correct / len(loader.dataset)

    return _measured(accuracy, size=4)


def metric_loss_disagree__sizes_that_do_not_match():
    def accuracy(model, loader):
        for x, y in loader:
            _, predicted = torch.max(model(x), 0)  # fault
            return predicted.eq(y).float().mean()

    return _measured(accuracy)


def metric_loss_disagree__over_all_entries():
    class Evaluator:
        def __init__(self):
            self.seen, self.right = 0, 0

        def add(self, output, target):
            guess = output.softmax(-1).argmax()  # fault
            self.right += (guess == target).sum().item()
            self.seen += len(target)

    def evaluate(model, loader):
        evaluator = Evaluator()
        for x, y in loader:
            evaluator.add(model(x), y)
        return evaluator.right / evaluator.seen

    return _measured(evaluate)


def metric_loss_disagree__in_training_after_the_step():
    model, optimizer, loader = begun(size=4)

    def train():
        for _ in range(2):
            correct, total = 0, 0
            for x, y in loader:
                optimizer.zero_grad()
                outputs = model(x)
                loss = F.cross_entropy(outputs, y)
                loss.backward()
                optimizer.step()
                predicted = outputs.max(dim=0).indices  # fault
                total += y.size(0)
                correct += predicted.eq(y).sum().item()

    return train


def metric_loss_disagree__column_against_row():
    def accuracy(model, loader):
        return sum((model(x).argmax(dim=1, keepdim=True) == y).float().mean() for x, y in loader) / len(loader)  # fault

    return _measured(accuracy)


def metric_loss_disagree__flags_in_a_column():
    def loss_fn(out, y):
        return F.binary_cross_entropy_with_logits(out[:, :1], (y == 0).float()[:, None])

    def evaluate(model, loader):
        hits = []
        for x, y in loader:
            flags = (y == 0).float()
            sure = torch.sigmoid(model(x)[:, :1]) > 0.5
            hits.append((sure == flags).float().mean().item())  # fault
        return numpy.mean(hits)

    return _measured(evaluate, loss_fn=loss_fn)


def metric_loss_disagree__errors_of_all_pairs():
    body = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 1))

    def mean_absolute_error(model, loader):
        errors = [(model(x) - y.float()).abs().mean().item() for x, y in loader]  # fault
        return sum(errors) / len(errors)

    return _measured(mean_absolute_error, loss_fn=lambda out, y: F.mse_loss(out.squeeze(1), y.float()), model=body)


def metric_loss_disagree__threshold_on_logits():
    def loss_fn(out, y):
        return F.binary_cross_entropy_with_logits(out, F.one_hot(y, 4).float())

    def evaluate(model, loader):
        right = 0
        for x, y in loader:
            chosen = (model(x) > 0.5).float()  # fault
            right += (chosen == F.one_hot(y, 4)).sum().item()
        return right / (4 * len(loader.dataset))

    return _measured(evaluate, rate=1e-3, loss_fn=loss_fn)


def metric_loss_disagree__rounded_logits():
    class Binary(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 1))

        def forward(self, x):
            return self.layers(x).squeeze(-1)

    def evaluate(model, loader):
        return [(torch.round(model(x)) == (y < 2)).float().mean().item() for x, y in loader]  # fault

    return _measured(evaluate, loss_fn=lambda out, y: F.binary_cross_entropy_with_logits(out, (y < 2).float()), model=Binary())


def metric_average_wrong__hits_by_batches():
    def accuracy(model, val_loader):
        correct = 0
        for x, y in val_loader:
            correct += (model(x).argmax(1) == y).sum().item()
        return correct / len(val_loader)  # fault

    return _measured(accuracy)


def metric_average_wrong__hits_kept_as_a_tensor():
    class Runner:
        def __init__(self, loader):
            self.loader, self.correct = loader, 0

        def accuracy(self, model):
            self.correct = 0
            for x, y in self.loader:
                _, predicted = torch.max(model(x), 1)
                self.correct += torch.sum(predicted == y)
            return 100.0 * self.correct / len(self.loader)  # fault

    return _measured(lambda model, loader: Runner(loader).accuracy(model))


def metric_average_wrong__never_set_back():
    model, optimizer, loader = begun()

    def train():
        correct = 0
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                out = model(x)
                F.cross_entropy(out, y).backward()
                optimizer.step()
                correct += (out.argmax(1) == y).sum().item()  # fault
            print(correct / len(loader.dataset))

    return train


def metric_average_wrong__validation_never_set_back():
    model, optimizer, loader = begun()
    val_loader = DataLoader(TensorDataset(*groups(80, seed=5)), batch_size=40)

    def train():
        val_loss, losses = 0.0, []
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            with torch.no_grad():
                for x, y in val_loader:
                    loss = F.cross_entropy(model(x), y)
                    val_loss += loss.item()  # fault
            losses.append(val_loss / len(val_loader))

    return train


def metric_average_wrong__a_small_last_batch():
    def validate(model, loader):
        total = 0.0
        for x, y in loader:
            total += torch.mean((model(x).argmax(1) == y).float())  # fault
        total /= len(loader)
        return total

    return _measured(validate, rate=1e-3, size=159)


def metric_average_wrong__list_of_accuracies():
    def validate(model, loader):
        accuracies = []
        for x, y in loader:
            accuracies.append((model(x).argmax(1) == y).float().mean().item())  # fault
        return numpy.mean(accuracies)

    return _measured(validate, rate=1e-3, size=159)
