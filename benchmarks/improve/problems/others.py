"""Problems with other data: patients, sentences, pieces of photos, and small digits."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from .. import data
from ..problem import Part, Problem, Splits, cut, joined

Adam = torch.optim.Adam


def many_weights() -> Problem:
    """A wide net on a hundred patients, trained until it knows them by heart."""
    return Problem(
        "many_weights",
        "variance",
        Splits(*cut(*data.diabetes(), 100, 60, 40, 40, 100)),
        lambda: nn.Sequential(nn.Linear(10, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1)),
        lambda net: Adam(net.parameters(), 1e-3),
        150,
        loss_fn=nn.MSELoss(),
        metric="rmse",
    )


class _Reader(nn.Module):
    """A recurrent net that guesses the next token; outputs [N, tokens, length], as CrossEntropyLoss wants them."""

    def __init__(self, width: int, words: int = 12):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(words, width), nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, words)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.rnn(self.embedding(tokens))[0]).transpose(1, 2)


def timid_rate() -> Problem:
    """A rate thirty times too low for the passes that it gets; each token hangs on the two before it."""
    return Problem(
        "timid_rate",
        "bias",
        Splits(*(data.sentences(count, seed=seed) for seed, count in enumerate((600, 300, 300, 300, 600, 2000)))),
        lambda: _Reader(24),
        lambda net: Adam(net.parameters(), 3e-4),
        10,
        human=0.17,
    )


def other_light() -> Problem:
    """Which photo a piece is from, in another light: a shift that hurts a net without any normalisation."""
    splits = Splits(*cut(*data.patches(3000), 800, 500, 500, 500, 800))
    warm = {role: _warm(getattr(splits, role)) for role in ("test_val", "test", "large")}
    return Problem(
        "other_light",
        "shift",
        dataclasses.replace(splits, **warm),
        lambda: nn.Sequential(
            *(nn.Conv2d(3, 12, 3, stride=2), nn.ReLU(), nn.Conv2d(12, 24, 3), nn.ReLU()), *(nn.Flatten(), nn.Linear(24 * 9, 2))
        ),
        lambda net: Adam(net.parameters(), 2e-3),
        10,
        human=0.02,
    )


def _warm(part: Part) -> Part:
    """As under a lamp: more red, less blue, a little darker."""
    gain, offset = torch.tensor([1.0, 0.6, 0.3]).view(3, 1, 1), torch.tensor([0.15, 0.0, -0.05]).view(3, 1, 1)
    return part[0] * gain + offset, part[1]


def other_shares() -> Problem:
    """Small noisy digits: the low ones are common where the net was trained, and the high ones where it is used."""
    inputs, labels = data.digits()
    noisy = inputs + 0.3 * torch.randn(inputs.shape, generator=torch.Generator().manual_seed(5))
    low, high = (cut(noisy[kind], labels[kind], *sizes) for kind, sizes in ((labels < 5, _LOW), (labels >= 5, _HIGH)))
    parts = [cut(*joined(one, other), len(one[0]) + len(other[0]))[0] for one, other in zip(low, high, strict=False)]
    return Problem(
        "other_shares",
        "shift",
        Splits(*parts[:6]),
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)),
        lambda net: Adam(net.parameters(), 3e-3),
        10,
        human=0.05,
    )


_LOW = (360, 150, 40, 40, 200, 110)  # how many of each kind go into train, train-val, test-val, test, the pool and the large test set
_HIGH = (90, 37, 160, 160, 50, 390)
