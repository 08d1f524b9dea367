"""A split in plain numbers: how much there is of what, in which range, and how often the same."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, SequentialSampler

from .labels import targets_of
from .material import Leaf, Material
from .repeats import evenly, rarely, repeatable, wrapped


@dataclasses.dataclass(frozen=True)
class Scale:
    """One tensor's shape of a sample (empty where samples differ), type, moments over finite values, and what is not finite.

    `broken` are the numbers of the samples, and `columns` those of the features, with values that are not finite; `far` are (number, size,
    size of the largest other sample) of samples that stand far beyond all others.
    """

    shape: tuple[int, ...]
    dtype: str
    mean: float
    std: float
    minimum: float
    maximum: float
    not_finite: int
    broken: tuple[int, ...]
    columns: tuple[int, ...]
    far: tuple[tuple[int, float, float], ...]


@dataclasses.dataclass(frozen=True)
class Split:
    """`samples` were read of `total` (None: a stream). `counts` maps classes to samples, most frequent first. `repeatable` says that equal
    inputs are to be expected (few possible values); `repeated` counts samples equal to an earlier one; `disagreeing` those of one input
    and several labels. `run` is the mean length, in samples, of a run of one label in the order of training, None where it shuffles;
    `sorted_values` says that it has targets in ascending or descending order, and no column of the inputs. `rarely` is the share of
    samples equal to an earlier one in the class that has fewest of them, 0 where the copies are a wrapper's doing."""

    role: str
    samples: int
    total: int | None
    batches: int | None
    batch_size: int | None
    inputs: tuple[Scale, ...]
    targets: tuple[Scale, ...]
    kind: str
    counts: tuple[tuple[int, int], ...]
    repeatable: bool
    repeated: int
    disagreeing: int
    dropped: int
    run: float | None = None
    chance_run: float | None = None
    sorted_values: bool = False
    rarely: float = 0.0


def facts(split: Material) -> Split:
    """All that can be counted."""
    source, targets = split.source, targets_of(split.all_labels())
    dataset = getattr(source, "dataset", source if hasattr(source, "__getitem__") and not isinstance(source, (list, tuple, dict)) else None)
    total = _length(dataset) if not isinstance(source, Tensor) else len(split.words)
    counted = Counter(targets.numbers.tolist()).most_common() if targets.numbers is not None else []
    words: dict[bytes, set[bytes]] = {}
    for word, answer in zip(split.words, split.answers, strict=False):
        words.setdefault(word, set()).add(answer)
    size = getattr(source, "batch_size", None)
    ordered = isinstance(source, DataLoader) and type(source.sampler) is SequentialSampler and source.batch_size is not None
    found = Split(
        role=split.role,
        samples=len(split.words),
        total=total,
        batches=_length(source) if isinstance(source, (DataLoader, list)) else None,
        batch_size=size if isinstance(size, int) else None,
        inputs=tuple(_scale(leaf, split.numbers) for leaf in split.inputs),
        targets=tuple(_scale(leaf, split.numbers) for leaf in split.targets),
        kind=targets.kind,
        counts=tuple(counted),
        repeatable=repeatable(split.points) and not evenly(split.words, split.points),
        repeated=len(split.words) - len(words),
        disagreeing=sum(1 for word in split.words if len(words.get(word, ())) > 1),
        dropped=total % size if ordered and getattr(source, "drop_last", False) and total and size else 0,
    )
    found = dataclasses.replace(found, rarely=0.0 if wrapped(dataset) else rarely(split.words, targets.numbers))
    return _in_order(found, split) if ordered and total else found


def _in_order(found: Split, split: Material) -> Split:
    """With what the order of training shows: runs of one class, or sorted values."""
    targets = targets_of(split.all_labels())
    if targets.numbers is None:
        inputs, labels = split.all_points(), split.all_labels()
        in_order = targets.kind == "values" and _sorted(labels) and not _sorted(inputs)
        return dataclasses.replace(found, sorted_values=in_order)
    return _with_runs(found, targets.numbers)


def _sorted(values: Tensor | None) -> bool:
    """Whether a column that varies never goes down, or never up."""
    if values is None or len(values) < 2:
        return False
    steps = values.flatten(1).diff(dim=0) if values.ndim > 1 else values[:, None].diff(dim=0)
    vary = (steps != 0).any(0)
    return bool((((steps >= 0).all(0) | (steps <= 0).all(0)) & vary).any())


def _length(thing: Any) -> int | None:
    try:
        return len(thing)
    except TypeError:  # a stream has none
        return None


def _scale(leaf: Leaf, numbers: list[int]) -> Scale:
    named = tuple(dict.fromkeys(numbers[row] for row in leaf.broken))
    far = tuple((numbers[row], size, rest) for row, size, rest in _far(leaf.sizes))
    ends = (leaf.minimum, leaf.maximum) if leaf.count else (0.0, 0.0)
    return Scale(leaf.shape, leaf.dtype, leaf.mean, leaf.std, *ends, leaf.not_finite, named, tuple(sorted(leaf.columns)), far)


def _far(sizes: list[float]) -> list[tuple[int, float, float]]:
    """(row, size, largest of the rest) for at most two in a hundred samples, ten times as large as all the rest and 50 deviations out."""
    if len(sizes) < 30:
        return []
    values = torch.tensor(sizes, dtype=torch.float64)
    order = values.argsort(descending=True)
    for count in range(1, max(1, len(sizes) // 50) + 1):
        rest = values[order[count:]]
        middle = float(rest.median())
        deviation = 1.4826 * float((rest - middle).abs().median()) + 0.01 * middle
        if deviation > 0 and float(values[order[count - 1]]) > max(10 * float(rest.max()), middle + 50 * deviation):
            return [(int(row), float(values[row]), float(rest.max())) for row in order[:count]]
    return []


def _with_runs(split: Split, numbers: Tensor) -> Split:
    """The mean run of one label, in samples of the whole set, and the run that chance would give."""
    runs = 1 + int((numbers[1:] != numbers[:-1]).sum())
    shares = torch.bincount(numbers - numbers.min()) / len(numbers)
    by_chance = 1 + (len(numbers) - 1) * (1 - float(shares.square().sum()))
    whole = (split.total or len(numbers)) / len(numbers)
    return dataclasses.replace(split, run=whole * len(numbers) / runs, chance_run=len(numbers) / max(1.0, by_chance))
