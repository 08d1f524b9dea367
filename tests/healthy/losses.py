"""Programs that differ in what they minimise."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject

from .data import diabetes, digits, loader
from .kind import healthy

CLASSES, SMOOTHING, SHARE = 10, 0.1, 0.7


def _net(columns: int = 64, outputs: int = CLASSES) -> nn.Sequential:
    return nn.Sequential(nn.Linear(columns, 64), nn.ReLU(), nn.Linear(64, outputs))


@healthy(sgd=0.1, adam=3e-3)
def multi_layer_perceptron() -> Subject:
    return Subject(_net(), nn.CrossEntropyLoss(), train=loader(*digits()))


@healthy(sgd=0.5, adam=1e-2)
def multi_label() -> Subject:
    images, labels = digits()
    facts = torch.stack([labels % 2 == 0, labels > 4, labels % 3 == 0], dim=1).float()
    return Subject(_net(outputs=3), nn.BCEWithLogitsLoss(), train=loader(images, facts))


@healthy(sgd=0.05, adam=1e-2)
def regression_of_a_column() -> Subject:
    return Subject(_net(columns=10, outputs=1), nn.MSELoss(), train=loader(*diabetes()))


@healthy(sgd=0.1, adam=3e-3)
def log_softmax_before_cross_entropy() -> Subject:
    return Subject(nn.Sequential(*_net(), nn.LogSoftmax(dim=1)), nn.CrossEntropyLoss(), train=loader(*digits()))


def _smoothed_floor() -> float:
    """The entropy of a smoothed label."""
    right, wrong = 1 - SMOOTHING + SMOOTHING / CLASSES, SMOOTHING / CLASSES
    return -right * math.log(right) - (CLASSES - 1) * wrong * math.log(wrong)


@healthy(sgd=0.2, adam=1e-2, floor=_smoothed_floor())
def label_smoothing() -> Subject:
    return Subject(_net(), nn.CrossEntropyLoss(label_smoothing=SMOOTHING), train=loader(*digits()))


@healthy(sgd=0.2, adam=1e-2, floor=-SHARE * math.log(SHARE) - (1 - SHARE) * math.log(1 - SHARE))
def soft_targets() -> Subject:
    images, labels = digits()
    soft = SHARE * functional.one_hot(labels, CLASSES) + (1 - SHARE) * functional.one_hot((labels + 1) % CLASSES, CLASSES)
    return Subject(_net(), nn.CrossEntropyLoss(), train=loader(images, soft))


@healthy(sgd=0.1, adam=3e-3, floor=None)
def penalised_weights() -> Subject:
    """The loss closes over the model: a small L2 term written by hand."""
    net = _net()

    def loss(output: Tensor, y: Tensor) -> Tensor:
        return functional.cross_entropy(output, y) + 1e-5 * sum(p.square().sum() for p in net.parameters())

    return Subject(net, loss, train=loader(*digits()))


@healthy(sgd=0.01, adam=3e-3)
def summed_loss() -> Subject:
    return Subject(_net(), nn.CrossEntropyLoss(reduction="sum"), train=loader(*digits()))
