"""Small batches with a real signal, for the examples of the checks: made in a millisecond, the same every time."""

from __future__ import annotations

import torch
from torch import Tensor


def classes(count: int = 10, features: int = 20) -> tuple[Tensor, Tensor]:
    """32 points around `count` centres, and the number of the centre."""
    numbers = torch.Generator().manual_seed(0)
    labels = torch.randint(0, count, (32,), generator=numbers)
    centres = torch.randn(count, features, generator=numbers)
    return centres[labels] + 0.3 * torch.randn(32, features, generator=numbers), labels


def values(features: int = 8) -> tuple[Tensor, Tensor]:
    """32 points and a smooth function of them, of mean 0 and deviation 1, as a column."""
    numbers = torch.Generator().manual_seed(1)
    points = torch.randn(32, features, generator=numbers)
    heights = torch.sin(points[:, :1]) + points[:, 1:2] * points[:, 2:3]
    return points, (heights - heights.mean()) / heights.std()


def flags(count: int = 4, features: int = 12) -> tuple[Tensor, Tensor]:
    """32 points with `count` yes-or-no labels each."""
    numbers = torch.Generator().manual_seed(2)
    points = torch.randn(32, features, generator=numbers)
    return points, (points[:, :count] + points[:, count : 2 * count] > 0).float()


def courses(count: int = 3, steps: int = 6) -> tuple[Tensor, Tensor]:
    """32 sequences of `steps` points of 4 values that rise, fall or stay, after a random start; and which of it."""
    numbers = torch.Generator().manual_seed(3)
    kinds = torch.randint(0, count, (32,), generator=numbers)
    time = torch.linspace(-1, 1, steps)[None, :, None]
    start = torch.randn(32, 1, 4, generator=numbers)
    return start + (kinds[:, None, None] - 1) * time + 0.1 * torch.randn(32, steps, 4, generator=numbers), kinds


def sentences(letters: int = 16, length: int = 8) -> tuple[Tensor, Tensor]:
    """16 sequences of letters that begin with different ones, without their last letter; and the same one letter later."""
    codes = torch.randint(0, letters, (letters, length), generator=torch.Generator().manual_seed(4))
    codes[:, 0] = torch.arange(letters)
    return codes[:, :-1], codes[:, 1:]


def groups(samples: int, count: int = 4, features: int = 16, seed: int = 3) -> tuple[Tensor, Tensor]:
    """Points around `count` centres, the same whatever the seed, and the number of the centre; in a random order."""
    centres = 2 * torch.randn(count, features, generator=torch.Generator().manual_seed(7))
    numbers = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, count, (samples,), generator=numbers)
    return centres[labels] + torch.randn(samples, features, generator=numbers), labels


def heights(samples: int, features: int = 8, seed: int = 4) -> tuple[Tensor, Tensor]:
    """Points, and a smooth function of them with a little noise, as a column."""
    numbers = torch.Generator().manual_seed(seed)
    points = torch.randn(samples, features, generator=numbers)
    return points, points[:, :1] + torch.sin(points[:, 1:2]) + 0.1 * torch.randn(samples, 1, generator=numbers)
