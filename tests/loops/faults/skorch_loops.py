"""Faults in what the user gives to skorch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from dldebug_magics.checks.small_data import groups, heights

from ..healthy.program import net


def _numbers(made):
    return tuple(each.numpy() for each in made)


def softmax_before_cross_entropy__in_skorch():
    from skorch import NeuralNetClassifier

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = net()

        def forward(self, x):
            return self.body(x).softmax(dim=-1)  # fault

    found = NeuralNetClassifier(Net, criterion=nn.CrossEntropyLoss, lr=0.1, max_epochs=4, batch_size=16, verbose=0)
    return lambda: found.fit(*_numbers(groups(160)))


def nan_inf_numeric__logits_for_skorch():
    from skorch import NeuralNetClassifier

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = net()

        def forward(self, x):
            return self.body(x)

    found = NeuralNetClassifier(Net, lr=0.1, max_epochs=4, batch_size=16, verbose=0)
    return lambda: found.fit(*_numbers(groups(160)))  # fault


def loss_broadcast__in_skorch():
    from skorch import NeuralNetRegressor

    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    found = NeuralNetRegressor(module, lr=0.05, max_epochs=4, batch_size=16, verbose=0)
    x, y = _numbers(heights(160))
    return lambda: found.fit(x, y[:, 0])  # fault


def functional_dropout_always_on__in_skorch():
    from skorch import NeuralNetClassifier

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Linear(16, 24), nn.Linear(24, 4)

        def forward(self, x):
            return F.softmax(self.head(F.dropout(F.relu(self.body(x)), 0.2)), dim=1)  # fault

    torch.manual_seed(0)
    found = NeuralNetClassifier(Net, optimizer=torch.optim.Adam, lr=1e-2, max_epochs=4, batch_size=16, verbose=0)
    return lambda: found.fit(*_numbers(groups(160)))


def flipped_loss_sign__in_skorch():
    from skorch import NeuralNetClassifier

    class Upside(NeuralNetClassifier):
        def get_loss(self, y_pred, y_true, *args, **kwargs):
            return -F.cross_entropy(y_pred, y_true)  # fault

    found = Upside(net(), lr=0.01, max_epochs=4, batch_size=16, verbose=0)
    return lambda: found.fit(*_numbers(groups(160)))


def lr_zero_or_scheduled_away__in_skorch():
    from skorch import NeuralNetClassifier

    module = nn.Sequential(net(), nn.Softmax(dim=1))
    found = NeuralNetClassifier(module, lr=0.0, max_epochs=4, batch_size=16, verbose=0)
    return lambda: found.fit(*_numbers(groups(160)))  # fault
