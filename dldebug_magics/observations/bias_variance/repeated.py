"""Samples that stand in two splits: by the numbers that the splits take of one dataset, or, of small ones, by the samples themselves.

And equal samples of one split whose labels contradict each other, and splits in which all labels are the same.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from torch.utils.data import DataLoader, Subset

from ...engine.samples import portions, readable
from ...engine.subject import Subject
from ..data_audit.material import Material
from ..data_audit.overlap import shared
from .reading import samples_in

_MOST, _FEWEST = 2000, 10  # samples of a split that are compared one by one; that may well have one label by chance


@dataclasses.dataclass(frozen=True)
class Repeated:
    """`count` of the `samples` of split `there` stand in split `here`, too. `by_number`: they are the same entries of one dataset.

    `own`: how many samples of `here` are equal to another of `here`, as rows of few categories are.
    """

    here: str
    there: str
    count: int
    samples: int
    by_number: bool
    own: int = 0


@dataclasses.dataclass(frozen=True)
class Conflict:
    """Of `samples` of a split, `wrong` have labels that can't be met: equal inputs have another label more often, or as often."""

    role: str
    wrong: int
    samples: int


def contents(subject: Subject, given: Mapping[str, Any]) -> dict[str, Material]:
    """The small splits, sample by sample."""
    return {role: _read(subject, role, source) for role, source in given.items() if _small(source)}


def repeated(given: Mapping[str, Any], read: Mapping[str, Material]) -> tuple[Repeated, ...]:
    """All pairs of splits that share samples, where that can be told at little cost."""
    found = []
    for (here, first), (there, second) in itertools.combinations(given.items(), 2):
        numbers = _numbers(first), _numbers(second)
        if numbers[0] is not None and numbers[1] is not None and numbers[0][0] is numbers[1][0]:
            both = set(numbers[0][1]) & set(numbers[1][1])
            found.append(Repeated(here, there, len(both), len(numbers[1][1]), by_number=True))
        elif here in read and there in read:
            same = shared(read[here], read[there])
            own = len(read[here].words) - len(set(read[here].words))
            found.append(Repeated(here, there, same.count, same.samples, by_number=False, own=own))
    return tuple(pair for pair in found if pair.count)


def conflicts(read: Mapping[str, Material]) -> tuple[Conflict, ...]:
    """The splits that contradict themselves."""
    found = []
    for role, material in read.items():
        labels: dict[bytes, Counter[bytes]] = {}
        for word, answer in zip(material.words, material.answers, strict=False):
            labels.setdefault(word, Counter())[answer] += 1
        wrong = sum(counted.total() - max(counted.values()) for counted in labels.values())
        found.append(Conflict(role, wrong, len(material.words)))
    return tuple(conflict for conflict in found if conflict.wrong)


def one_answer(read: Mapping[str, Material]) -> tuple[str, ...]:
    """The splits in which every sample has the same target."""
    return tuple(role for role, material in read.items() if len(material.answers) >= _FEWEST and len(set(material.answers)) == 1)


def _numbers(source: Any) -> tuple[Any, Any] | None:
    """The dataset that a split comes from in the end, and which entries of it; None for a stream."""
    dataset = source.dataset if isinstance(source, DataLoader) else source
    picked: Any = None
    while isinstance(dataset, Subset):
        picked = [dataset.indices[i] for i in picked] if picked is not None else list(dataset.indices)
        dataset = dataset.dataset
    if picked is None:
        picked = range(len(dataset)) if hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__") else None
    return None if picked is None else (dataset, picked)


def _small(source: Any) -> bool:
    count = samples_in(source)
    return count is not None and count <= _MOST and readable(source)


def _read(subject: Subject, role: str, source: Any) -> Material:
    material = Material(role, source)
    for portion in portions(source, _MOST):
        material.add(subject, portion)
        if time.monotonic() > subject.deadline:
            break  # what is shared by now is shared in any case
    return material
