"""Which samples a loader reads, as far as places in datasets tell: whether two loaders share some of them."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

from torch.utils.data import ConcatDataset, Subset

_MOST = 100_000  # places in a dataset that are remembered

_numbers = itertools.count(1)
_known: dict[int, tuple[weakref.ref, int]] = {}  # by identity, which another dataset may get once this one is gone

Part = tuple[int, frozenset[int] | None]  # a dataset, and the places read in it (None: all)


def parts_of(dataset: Any) -> Iterator[Part]:
    """What a dataset is put together of; a part chosen from too many samples to remember is left out.

    >>> [places for _, places in parts_of(Subset(range(9), [4, 2]))]
    [frozenset({2, 4})]
    """
    if type(dataset) is ConcatDataset:
        for part in dataset.datasets:
            yield from parts_of(part)
    elif type(dataset) is not Subset:
        yield _number(dataset), None
    elif len(dataset.indices) <= _MOST:
        yield _number(dataset.dataset), frozenset(map(int, dataset.indices))


def _number(dataset: Any) -> int:
    """A number that no other dataset ever gets; what can't be told from a later one at its place gets a new one each time."""
    ref, number = _known.get(id(dataset), (None, 0))
    if ref is not None and ref() is dataset:
        return number
    number, place = next(_numbers), id(dataset)
    try:
        _known[place] = weakref.ref(dataset, lambda gone: _known.pop(place, None) if _known[place][0] is gone else None), number
    except TypeError:
        _known.pop(place, None)
    return number


def shared(some: Iterable[Part], others: Iterable[Part], all_of_it: int) -> int:
    """How many samples are read by both; `all_of_it` where both read one dataset as a whole.

    >>> shared([(1, frozenset({2, 4, 5}))], [(1, frozenset({4, 5, 6})), (2, None)], all_of_it=9)
    2
    """
    both = [(mine, theirs) for a, mine in some for b, theirs in others if a == b]
    return sum(_in_both(mine, theirs, all_of_it) for mine, theirs in both)


def _in_both(mine: frozenset[int] | None, theirs: frozenset[int] | None, all_of_it: int) -> int:
    if mine is None or theirs is None:
        return next((len(part) for part in (mine, theirs) if part is not None), all_of_it)
    return len(mine & theirs)
