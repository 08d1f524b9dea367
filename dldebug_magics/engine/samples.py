"""Many samples out of whatever holds the data, in batches as the program would see them, without consuming anything of the user's.

What can be read by number is read at even distances, because many sets are sorted; a stream, or a sampler that picks its own samples,
is read from its start. A loader's workers are left alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, RandomSampler, SequentialSampler, default_collate

from . import snapshot
from .batch import SIZE, _is_dataset, _without_workers, cut, is_one_batch
from .nested import tensors


@dataclasses.dataclass(frozen=True)
class Portion:
    """A batch, and the numbers of its samples in the dataset; counted as they came where they have none."""

    batch: Any
    numbers: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Numbered:
    """A dataset that can be read by number, and how its samples become a batch."""

    dataset: Any
    batch_size: int
    collate: Callable[[list[Any]], Any]


def readable(source: Any) -> bool:
    """Whether the source can be read twice: an iterator can't, and what is neither iterable nor indexed can't be read at all.

    >>> readable([torch.zeros(2)]), readable(iter([])), readable(None)
    (True, False, False)
    """
    if source is None or isinstance(source, (str, bytes, Iterator)) or isinstance(getattr(source, "dataset", None), Iterator):
        return False
    return is_one_batch(source) or hasattr(source, "__iter__") or hasattr(source, "__getitem__")


def numbered(source: Any) -> Numbered | None:
    """How to read the source by number; None where its own sampler, batches or stream decide what is read."""
    if isinstance(source, DataLoader):
        sampler = getattr(source.batch_sampler, "sampler", None)
        plain = type(source.batch_sampler) is BatchSampler and type(sampler) in (SequentialSampler, RandomSampler)
        if not plain or source.worker_init_fn is not None or isinstance(source.dataset, IterableDataset):
            return None
        whole = len(sampler.data_source) == len(source.dataset)  # type: ignore[union-attr, arg-type]
        return Numbered(source.dataset, source.batch_sampler.batch_size, source.collate_fn) if whole else None  # type: ignore[union-attr]
    if _is_dataset(source) and not isinstance(source, IterableDataset) and hasattr(source, "__len__"):
        return Numbered(source, SIZE, default_collate)
    return None


def portions(source: Any, limit: int) -> Iterator[Portion]:
    """Batches of at most `limit` samples in all, each of the same samples whenever it is called."""
    with snapshot.reading(source), torch.inference_mode(False):
        by_number = numbered(source)
        if is_one_batch(source):
            yield _counted(cut(source, limit), 0)
        elif by_number is not None:
            yield from _by_number(by_number, limit)
        else:
            yield from _in_turn(source, limit)


def _by_number(data: Numbered, limit: int) -> Iterator[Portion]:
    total = len(data.dataset)
    count = min(limit, total)
    numbers = [i * total // count for i in range(count)]
    for start in range(0, count, data.batch_size):
        wanted = numbers[start : start + data.batch_size]
        yield Portion(data.collate(items(data.dataset, wanted)), tuple(wanted))


def items(dataset: Any, numbers: list[int]) -> list[Any]:
    """Single samples by number, all at once where the dataset knows how."""
    many = getattr(dataset, "__getitems__", None)
    return many(numbers) if callable(many) else [dataset[number] for number in numbers]


def _in_turn(source: Any, limit: int) -> Iterator[Portion]:
    loader = _without_workers(source) if isinstance(source, DataLoader) and source.num_workers else source
    if _is_dataset(source):
        loader = DataLoader(source, batch_size=SIZE)
    count = 0
    for batch in loader:
        portion = _counted(batch, count)
        yield portion
        count += max(1, len(portion.numbers))
        if count >= limit:
            break


def _counted(batch: Any, start: int) -> Portion:
    first = next(tensors(batch), None)
    length = first.shape[0] if first is not None and first.ndim else 0
    return Portion(batch, tuple(range(start, start + length)))
