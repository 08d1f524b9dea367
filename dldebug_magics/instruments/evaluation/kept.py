"""Metrics that are no sums over samples (a rank, a function of somebody's own): outputs and targets are kept, and drawn from."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence

import numpy
import torch
from torch import Tensor

_SECONDS = 3.0  # for all resamples of one split
_FEWEST = 100


@dataclasses.dataclass(frozen=True)
class Whole:
    """A metric of all outputs and targets at once, as a user or a library writes it.

    `keeps` makes what is kept, and given to `value`, out of the scores and the target of a batch: all of it, where nobody knows better.
    """

    name: str
    value: Callable[[Tensor, Tensor], float]
    larger_is_better: bool = False
    keeps: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = lambda found, target: (found, target)


class Kept:
    """What a metric needs of the outputs and targets of a split, on the CPU: grows with the samples, as sums in buckets do not."""

    def __init__(self, metric: Whole):
        self.metric = metric
        self.parts: list[tuple[Tensor, Tensor]] = []
        self.members: list[numpy.ndarray] = []

    def add(self, parts: Iterable[tuple[Tensor, Tensor]], members: numpy.ndarray) -> None:
        """Keep some outputs with their targets, on the CPU."""
        self.parts.extend(parts)
        self.members.append(members)

    @property
    def count(self) -> int:
        """How many samples are kept."""
        return sum(len(target) for _, target in self.parts)

    @property
    def value(self) -> float:
        """The metric of all samples."""
        return float(self.metric.value(*self.together()))

    def draws(self, generator: numpy.random.Generator, count: int) -> numpy.ndarray:
        """The metric on resamples of the groups, [count]."""
        return resampled([self], generator, count)[:, 0]

    def together(self) -> tuple[Tensor, Tensor]:
        """All outputs, and all targets."""
        self.parts = [(torch.cat([s for s, _ in self.parts]), torch.cat([t for _, t in self.parts]))]
        return self.parts[0]


def resampled(kept: Sequence[Kept], generator: numpy.random.Generator, count: int) -> numpy.ndarray:
    """The metric on resamples of the groups of one split or several, [count, splits]; a group brings its samples of each split.

    Made as often as time allows, and drawn from again where that is fewer.
    """
    known, found, began = _places(kept), list[list[float]](), time.monotonic()
    while len(found) < count and (len(found) < _FEWEST or time.monotonic() - began < _SECONDS):
        picked = generator.integers(known[0].groups, size=known[0].groups)
        found.append([_of_places(each, places.of(picked)) for each, places in zip(kept, known, strict=True)])
    values = numpy.array(found)
    values = values[numpy.isfinite(values).all(axis=1)]
    if not len(values):
        return numpy.full((count, len(kept)), numpy.nan)
    return values if len(values) == count else generator.choice(values, count)


@dataclasses.dataclass(frozen=True)
class _Places:
    """Where the samples of each group are in a split: those of group i are `order[starts[i] : starts[i + 1]]`."""

    order: numpy.ndarray
    starts: numpy.ndarray

    @property
    def groups(self) -> int:
        return len(self.starts) - 1

    def of(self, picked: numpy.ndarray) -> numpy.ndarray:
        """The samples of some groups, [samples]."""
        counts = self.starts[picked + 1] - self.starts[picked]
        before = numpy.cumsum(counts) - counts
        return self.order[numpy.repeat(self.starts[picked] - before, counts) + numpy.arange(counts.sum())]


def _places(kept: Sequence[Kept]) -> list[_Places]:
    """For each split, the groups of all splits in one order."""
    members = [numpy.concatenate(each.members) for each in kept]
    groups, which = numpy.unique(numpy.concatenate(members), return_inverse=True)
    parts = numpy.split(which, numpy.cumsum([len(own) for own in members])[:-1])
    orders = [numpy.argsort(part, kind="stable") for part in parts]
    edges = numpy.arange(len(groups) + 1)
    return [_Places(order, numpy.searchsorted(part[order], edges)) for part, order in zip(parts, orders, strict=True)]


def _of_places(kept: Kept, places: numpy.ndarray) -> float:
    """The metric of some of the samples; no number where there are none, or where it has none, as a rank has none of a single class."""
    if not len(places):
        return float("nan")
    (outputs, target), picked = kept.together(), torch.from_numpy(places)
    return _or_nan(kept.metric.value, outputs[picked], target[picked])


def _or_nan(value: Callable[[Tensor, Tensor], float], found: Tensor, target: Tensor) -> float:
    """The metric of a resample; no number where it has none, as a rank has none of a single class."""
    try:
        return float(value(found, target))
    except ValueError:
        return float("nan")
