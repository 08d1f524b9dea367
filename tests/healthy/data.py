"""Small data with a real signal: scikit-learn's digits and diabetes, and a page of text."""

from __future__ import annotations

import functools

import numpy
import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

TEXT = "the quick brown fox jumps over the lazy dog while seven wizards vex a jolly frog near the old mill pond at dawn "


@functools.cache
def _digits() -> tuple[Tensor, Tensor]:
    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)


def digits(count: int = 64) -> tuple[Tensor, Tensor]:
    """Images [N, 64] in 0..1 and their labels."""
    images, labels = _digits()
    return images[:count].clone(), labels[:count].clone()


def pictures(count: int = 64) -> tuple[Tensor, Tensor]:
    """Images [N, 1, 8, 8] and their labels."""
    images, labels = digits(count)
    return images.view(-1, 1, 8, 8), labels


def diabetes(count: int = 64) -> tuple[Tensor, Tensor]:
    """Ten standardised columns and the disease's progress, standardised, [N, 1]."""
    columns, progress = load_diabetes(return_X_y=True)
    columns, progress = columns[:count] / columns.std(0), (progress[:count] - progress.mean()) / progress.std()
    return torch.tensor(columns, dtype=torch.float32), torch.tensor(progress, dtype=torch.float32)[:, None]


def characters(length: int = 12, count: int = 16) -> tuple[Tensor, Tensor, int]:
    """Pieces of text [N, T], the same one character later, and the number of different characters."""
    alphabet = sorted(set(TEXT))
    codes = torch.tensor([alphabet.index(character) for character in TEXT])
    starts = numpy.linspace(0, len(TEXT) - length - 1, count).astype(int)
    pieces = torch.stack([codes[start : start + length + 1] for start in starts])
    return pieces[:, :-1].contiguous(), pieces[:, 1:].contiguous(), len(alphabet)


def loader(*columns: Tensor, batch_size: int = 16) -> DataLoader:
    """A shuffling loader with a generator of its own."""
    return DataLoader(TensorDataset(*columns), batch_size=batch_size, shuffle=True, generator=torch.Generator().manual_seed(5))


class Rows(Dataset):
    """A dataset of single samples made by a function of the row's number."""

    def __init__(self, *columns: Tensor):
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, row: int) -> tuple[Tensor, ...]:
        return tuple(column[row] for column in self.columns)
