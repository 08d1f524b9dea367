"""Regressions: one value of a row of numbers, by squared error, by a loss written out by hand, by a robust loss, as a density."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .. import data, scores
from ..kind import Activation, as_module, program, scaled
from ..program import Program, optimizer

Adam, SGD = torch.optim.Adam, torch.optim.SGD


def _column(columns: int, hidden: int, activation: Activation) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(columns, hidden), as_module(activation), nn.Linear(hidden, hidden), as_module(activation), nn.Linear(hidden, 1)
    )


@program
def diabetes(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    net, rate = _column(10, scaled(32, width), activation), optimizer(Adam, lr=5e-3)
    return Program("diabetes", "values", net, nn.MSELoss(), data.diabetes(), rate, 5, scores.explained)


def _squared(prediction: Tensor, target: Tensor) -> Tensor:
    return ((prediction - target) ** 2).mean()


class _Area(nn.Module):
    """Two layers, the activation called as a function."""

    def __init__(self, columns: int, hidden: int, activation: Activation):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(columns, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        h = self.activation(self.first(x))
        h = self.activation(self.second(h))
        return self.last(h)


@program
def cells(width: float = 1.0, activation: Activation = torch.tanh) -> Program:
    net, rate = _Area(8, scaled(32, width), activation), optimizer(SGD, lr=0.05, momentum=0.9)
    return Program("cells", "values", net, _squared, data.cells(), rate, 12, scores.explained)


@program
def ink(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    net = _Area(32, scaled(64, width), activation)
    return Program("ink", "values", net, functional.mse_loss, data.ink(), optimizer(Adam, lr=5e-3), 10, scores.explained)


@program
def robust(width: float = 1.0, activation: Activation = torch.tanh) -> Program:
    net, rate = _column(32, scaled(64, width), activation), optimizer(torch.optim.AdamW, lr=1e-2)
    return Program("robust", "values", net, nn.SmoothL1Loss(), data.ink(), rate, 10, scores.explained)


class _Density(nn.Module):
    """A mean and a spread for each row."""

    def __init__(self, columns: int, hidden: int, activation: Activation):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(columns, hidden), as_module(activation))
        self.out = nn.Linear(hidden, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, spread = self.out(self.body(x)).chunk(2, dim=-1)
        return mean, functional.softplus(spread) + 0.1


def _surprise(output: tuple[Tensor, Tensor], target: Tensor) -> Tensor:
    return functional.gaussian_nll_loss(output[0], target, output[1].square())


@program
def likelihood(width: float = 1.0, activation: Activation = torch.tanh) -> Program:
    net, rate = _Density(8, scaled(64, width), activation), optimizer(Adam, lr=5e-3)
    mean = lambda output: output[0] if isinstance(output, tuple) else output[:, :1]  # noqa: E731
    return Program("likelihood", "density", net, _surprise, data.cells(), rate, 12, scores.explained, read=mean)
