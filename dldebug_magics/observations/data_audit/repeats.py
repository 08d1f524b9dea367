"""Samples that stand in a split more than once: whether that is to be expected, is meant, and is true of every class."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import Tensor

_DIFFERENT, _COLUMNS = 30, 16


def repeatable(points: list[Tensor]) -> bool:
    """Whether equal inputs are to be expected: no column has nearly as many different values as there are samples.

    >>> repeatable([torch.randn(50, 3)]), repeatable([torch.randint(0, 9, (50, 3))])
    (False, True)
    """
    if not points or len({t.shape[1:] for t in points}) != 1:
        return True
    rows = torch.cat(points).flatten(1)
    busiest = rows[:, rows.float().std(0, unbiased=False).topk(min(20, rows.shape[1])).indices]
    distinct = len(rows.unique(dim=0))
    several = sum(len(column.unique()) > 0.3 * distinct for column in busiest.T)
    return several < min(2, rows.shape[1]) and not (rows.shape[1] >= 32 and distinct >= 0.2 * len(rows) and _rich(rows))


def _rich(rows: Tensor) -> bool:
    """Whether most samples, such as pictures, have many different values each: no two such are equal by chance."""
    return sum(len(row.unique()) >= 16 for row in rows[:50]) > 0.8 * min(50, len(rows))


def evenly(words: list[bytes], points: list[Tensor]) -> bool:
    """Whether every sample stands there as often as every other, more than once: by nature, some repeat more often than others.

    Not asked of few different samples, nor of narrow ones: there all combinations may have been gone through.
    """
    often = Counter(words)
    if len(often) < _DIFFERENT or not points or points[0][0].numel() < _COLUMNS:
        return False
    return len(set(often.values())) == 1 and len(words) > len(often)


def rarely(words: list[bytes], numbers: Tensor | None) -> float:
    """The share of samples equal to an earlier one, in the class that has fewest of them."""
    seen: set[bytes] = set()
    again: dict[int, list[bool]] = {}
    for word, label in zip(words, numbers.tolist() if numbers is not None else [0] * len(words), strict=False):
        again.setdefault(label, []).append(word in seen)
        seen.add(word)
    return min((sum(found) / len(found) for found in again.values()), default=0.0)


def wrapped(dataset: Any) -> bool:
    """Whether a wrapper gives the samples of one dataset several times: an epoch was meant to be longer."""
    parts = [id(part) for part in getattr(dataset, "datasets", ())]
    return len(set(parts)) < len(parts) or "repeat" in type(dataset).__name__.lower()
