"""Programs that predict an amount: ratings, counts, quantiles; and columns as tables have them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject

from .data import TEXT, diabetes, digits, loader
from .kind import healthy


@healthy(sgd=0.02, adam=1e-2)
def ordinal_ratings() -> Subject:
    """Whole numbers from 1 to 5, on purpose by squared error: a 4 is nearer to a 5 than a 1 is."""
    images, labels = digits()
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
    return Subject(net, nn.MSELoss(), train=loader(images, (1 + labels % 5).float()))


def _counts_floor(counts: Tensor) -> float:
    """Where the rate is the count itself: n - n log n."""
    return float((counts - torch.xlogy(counts, counts)).mean())


@healthy(sgd=0.01, adam=1e-2, floor=_counts_floor(digits(16)[1].float()))
def poisson_counts() -> Subject:
    """The loss is below zero where counts are large."""
    images, labels = digits(16)
    net = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1), nn.Flatten(0))
    return Subject(net, nn.PoissonNLLLoss(), train=(images, labels.float()))


SHARES = torch.tensor([0.1, 0.5, 0.9])


def _pinball(output: Tensor, y: Tensor) -> Tensor:
    missing = y - output
    return torch.maximum(SHARES * missing, (SHARES - 1) * missing).mean()


@healthy(sgd=0.1, adam=5e-3)
def quantile_loss() -> Subject:
    """Three outputs against one target: broadcast on purpose."""
    net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 3))
    return Subject(net, _pinball, train=loader(*diabetes()))


@healthy(sgd=0.02, adam=1e-2)
def one_hot_columns() -> Subject:
    """A table: ages in decades, sizes up to 16, and a column of many that says which."""
    images, labels = digits()
    table = torch.cat([images[:, 10:30] * 16, functional.one_hot(labels % 7, 7).float(), images.sum(1, keepdim=True) / 4], dim=1)
    net = nn.Sequential(nn.Linear(28, 64), nn.ReLU(), nn.Linear(64, 1))
    return Subject(net, nn.SmoothL1Loss(), train=loader(table, (labels[:, None] - 4.5) / 3))


def _term_frequencies(count: int = 32) -> tuple[Tensor, Tensor]:
    """Small weights, nearly all of them zero: which word pairs stand in each piece of text, and whether its middle is a vowel's."""
    pairs = sorted({TEXT[i : i + 2] for i in range(len(TEXT) - 1)})
    pieces = [TEXT[start : start + 8] for start in range(0, 2 * count, 2)]
    rows = torch.tensor([[piece.count(pair) for pair in pairs] for piece in pieces], dtype=torch.float32)
    weights = rows * torch.log(count / (1 + (rows > 0).sum(0)))
    return functional.normalize(weights), torch.tensor([int(piece[4] in "aeiou") for piece in pieces])


@healthy(sgd=1.0, adam=1e-2)
def sparse_term_weights() -> Subject:
    rows, labels = _term_frequencies()
    net = nn.Sequential(nn.Linear(rows.shape[1], 32), nn.ReLU(), nn.Linear(32, 2))
    return Subject(net, nn.CrossEntropyLoss(), train=loader(rows, labels))
