"""Loops whose pictures are flipped as they should be, though their labels stay."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, default_collate

from .program import Program


def _fit(model, loss_fn, draw, maps=lambda x: x.sum(1)):
    pictures = torch.randn(32, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    loader = DataLoader(
        TensorDataset(pictures, maps(pictures)), batch_size=8, shuffle=True, collate_fn=lambda rows: draw(*default_collate(rows))
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    def run():
        for _ in range(5):
            for x, y in loader:
                optimizer.zero_grad()
                loss_fn(model(x), y).backward()
                optimizer.step()

    return Program(run, (model,))


def _flipped(x):
    return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(-1), x)


def _net(*last):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), *last)


def classes_of_flipped_pictures() -> Program:
    model = _net(nn.Flatten(), nn.Linear(108, 2))
    return _fit(model, F.cross_entropy, lambda x, y: (_flipped(x), y), lambda x: (x.mean((1, 2, 3)) > 0).long())


def masks_that_are_symmetric() -> Program:
    """A disc in the middle of each picture, of a size of its own."""
    across = torch.linspace(-1, 1, 6)
    far = across[:, None].square() + across.square()
    return _fit(
        _net(), F.cross_entropy, lambda x, y: (_flipped(x), y), lambda x: (far < x.mean((1, 2, 3)).abs()[:, None, None] * 20).long()
    )


def a_view_and_the_picture() -> Program:
    """Self-supervision: what two views of one picture have in common; the second is not flipped."""
    return _fit(_net(nn.Flatten()), lambda z, y: -F.cosine_similarity(z, y.flatten(1)).mean(), lambda x, y: (_flipped(x), y), lambda x: x)


def put_right_by_colour_and_noise() -> Program:
    """Denoising: the picture is spoilt anew, what is wanted stays."""
    return _fit(_net(), F.mse_loss, lambda x, y: (x + 0.1 * torch.randn_like(x), y), lambda x: x)


def flipped_together() -> Program:
    def draw(x, y):
        turn = torch.rand(len(x), 1, 1) < 0.5
        return torch.where(turn[:, None], x.flip(-1), x), torch.where(turn, y.flip(-1), y)

    return _fit(nn.Sequential(_net(), nn.Conv2d(3, 1, 1), nn.Flatten(1, 2)), F.mse_loss, draw)
