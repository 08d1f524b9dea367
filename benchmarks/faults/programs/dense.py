"""Fully connected classifiers: exclusive classes, yes or no, several facts at once, log-probabilities, soft labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .. import data, scores
from ..kind import Activation, as_module, program, scaled
from ..program import Program, optimizer

Adam, AdamW, SGD, RMSprop = torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop


@program
def wine(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    hidden = scaled(32, width)
    net = nn.Sequential(
        nn.Linear(13, hidden), as_module(activation), nn.Linear(hidden, hidden), as_module(activation), nn.Linear(hidden, 3)
    )
    rate = optimizer(Adam, lr=5e-3)
    return Program("wine", "classes", net, nn.CrossEntropyLoss(), data.wine(), rate, 16, scores.accuracy, batch_size=16)


class _Digits(nn.Module):
    """Written with functional calls, as in many tutorials."""

    def __init__(self, hidden: int, activation: Activation):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(64, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 10)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.fc1(x))
        x = self.activation(self.fc2(x))
        return self.fc3(x)


@program
def digits(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    net = _Digits(scaled(64, width), activation)
    return Program(
        "digits", "classes", net, functional.cross_entropy, data.digits(), optimizer(SGD, lr=0.1, momentum=0.9), 8, scores.accuracy
    )


@program
def tumours(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    hidden = scaled(32, width)
    net = nn.Sequential(
        nn.Linear(30, hidden), as_module(activation), nn.Linear(hidden, hidden), as_module(activation), nn.Linear(hidden, 1)
    )
    return Program("tumours", "flags", net, nn.BCEWithLogitsLoss(), data.tumours(), optimizer(Adam, lr=3e-3), 12, scores.ranking)


class _Facts(nn.Module):
    """One body, and an output for every fact."""

    def __init__(self, hidden: int, activation: Activation):
        super().__init__()
        self.body, self.out, self.activation = nn.Linear(64, hidden), nn.Linear(hidden, 4), activation

    def forward(self, image: Tensor) -> Tensor:
        features = self.activation(self.body(image))
        return self.out(features)


@program
def facts(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    net, loss = _Facts(scaled(64, width), activation), functional.binary_cross_entropy_with_logits
    return Program("facts", "flags", net, loss, data.facts(), optimizer(AdamW, lr=1e-2), 8, scores.ranking)


@program
def log_probabilities(width: float = 1.0, activation: Activation = torch.tanh) -> Program:
    hidden = scaled(64, width)
    net = nn.Sequential(nn.Linear(64, hidden), as_module(activation), nn.Linear(hidden, 10), nn.LogSoftmax(dim=1))
    return Program("log_probabilities", "log_probs", net, nn.NLLLoss(), data.digits(), optimizer(RMSprop, lr=2e-3), 8, scores.accuracy)


def _divergence(output: Tensor, target: Tensor) -> Tensor:
    return functional.kl_div(functional.log_softmax(output, dim=-1), target, reduction="batchmean")


@program
def soft_labels(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    net = _Digits(scaled(64, width), activation)
    return Program("soft_labels", "soft", net, _divergence, data.soft_labels(), optimizer(Adam, lr=3e-3), 8, scores.likeliest)
