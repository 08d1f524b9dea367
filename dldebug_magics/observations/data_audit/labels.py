"""Targets as a probe sees them: one of a few classes, one or more values, or something else, such as a picture or a text."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

MOST_CLASSES = 100
_MOST_VALUES = 64  # columns of targets


@dataclasses.dataclass(frozen=True)
class Targets:
    """`kind` is 'classes', 'values', 'other' or 'none'; `numbers` [n] of classes; `matrix` [n, c] of what is to be predicted."""

    kind: str
    numbers: Tensor | None = None
    matrix: Tensor | None = None


def targets_of(labels: Tensor | None) -> Targets:
    """What kind of targets these are.

    >>> targets_of(torch.tensor([0, 2, 2, 0])).kind, targets_of(torch.rand(9, 3, 8, 8)).kind
    ('classes', 'other')
    """
    if labels is None or not len(labels):
        return Targets("none")
    plain = labels.squeeze(1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if plain.ndim == 2 and plain.shape[1] <= _MOST_VALUES and _one_hot(plain):
        plain = plain.argmax(1)
    if plain.ndim == 1 and (not plain.is_floating_point() or bool(((plain == 0) | (plain == 1)).all())):
        numbers = plain.long()
        if len(numbers.unique()) <= MOST_CLASSES:
            return Targets("classes", numbers, one_hot(numbers))
        return Targets("other" if len(numbers.unique()) < 0.9 * len(numbers) else "values", None, standardised(numbers[:, None]))
    if not plain.is_floating_point() or plain.ndim > 2 or plain[0].numel() > _MOST_VALUES:
        return Targets("other")
    return Targets("values", None, standardised(torch.nan_to_num(plain.reshape(len(plain), -1))))


def _one_hot(rows: Tensor) -> bool:
    return bool(((rows == 0) | (rows == 1)).all()) and bool((rows.sum(1) == 1).all())


def one_hot(numbers: Tensor) -> Tensor:
    """A column a class, of mean 0."""
    _, index = numbers.unique(return_inverse=True)
    columns = torch.nn.functional.one_hot(index).float()
    return columns - columns.mean(0)


def standardised(values: Tensor) -> Tensor:
    """Each column less its mean and divided by its deviation."""
    centred = values.float() - values.float().mean(0)
    return centred / centred.std(0, unbiased=False).clamp(min=1e-8)
