"""One small batch out of whatever holds the data, drawn without consuming anything of the user's.

The guide's test memorises 2 to 32 samples. A batch comes from a fresh iterator and is a copy; an iterator itself is refused, because
reading from it would take a batch away from the user. A loader with workers is read without touching those it may have running.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from . import ambient, snapshot
from .errors import UserMistake
from .nested import copied, is_record, mapped, parts, tensors
from .subject import Subject, _a

SIZE = 32
_KINDS = "a DataLoader, a Dataset or one batch"


def draw(subject: Subject, size: int = SIZE, number: int = 0) -> Any:
    """A batch of the subject's training data, cut to at most `size` samples: a copy, with all random numbers left in place.

    number: which batch, the first is 0. A Dataset is sampled at even distances, because many are sorted by class.
    """
    source, name = subject.train, subject.name("train")
    if source is None:
        raise UserMistake("no training data", expected=_KINDS, do="name it after the optimizer")
    if isinstance(source, (str, bytes, int, float)):
        raise UserMistake(f"`{name}` is {_a(source)}", expected=_KINDS)
    with ambient.restored(subject), snapshot.reading(source), torch.inference_mode(False):
        batch = source if number == 0 and is_one_batch(source) else _drawn(source, name, size, number)
        if any(True for _ in tensors(batch)):
            return copied(cut(batch, size, getattr(source, "batch_size", None)))
        if subject.step is None:
            raise UserMistake(
                f"`{name}` gave {_a(batch)} without a tensor in it", expected="tensors, alone or in a tuple, dict or dataclass"
            )
        return copy.deepcopy(batch)


def is_one_batch(source: Any) -> bool:
    """True where the source is itself a batch: a tensor, a tuple, a dict, a dataclass, or a list of tensors.

    >>> import torch
    >>> is_one_batch((torch.zeros(2, 3), torch.zeros(2))), is_one_batch([(torch.zeros(2), torch.zeros(2))])
    (True, False)
    """
    if isinstance(source, list):
        return bool(source) and any(isinstance(item, Tensor) for item in source)
    if isinstance(source, (Dataset, DataLoader)):
        return False
    return isinstance(source, (Tensor, tuple, Mapping)) or is_record(source)


def _drawn(source: Any, name: str, size: int, number: int) -> Any:
    """A batch of a source that can be read more than once. What the user's data raise passes through: it says where they failed."""
    if number and (number < 0 or is_one_batch(source)):
        raise UserMistake(
            f"`{name}` has no batch {number}", do="count from 0" if number < 0 else "leave --batch out: it is itself one batch"
        )
    if isinstance(source, Iterator) or isinstance(getattr(source, "dataset", None), Iterator):
        raise _used_up(name)
    if not (hasattr(source, "__iter__") or hasattr(source, "__getitem__")):
        raise UserMistake(f"`{name}` is {_a(source)}", expected=_KINDS)
    drawn = _from_dataset(source, size, number) if _is_dataset(source) else _from_loader(source, name, number)
    if drawn is None and number:
        raise UserMistake(f"`{name}` has no batch {number}: it ends before", do="batches are counted from 0")
    if drawn is None:
        raise UserMistake(f"`{name}` is empty: it yields no batch{_why_empty(source)}")
    return drawn


def _used_up(name: str) -> UserMistake:
    return UserMistake(f"`{name}` is an iterator", expected="something that can be read twice", do="pass the loader, or one batch")


def _is_dataset(source: Any) -> bool:
    """Single samples, by number or in a stream: a Dataset, or what has only a dataset's two methods."""
    numbered = hasattr(source, "__getitem__") and hasattr(source, "__len__") and not hasattr(source, "__iter__")
    return not isinstance(source, DataLoader) and (isinstance(source, Dataset) or numbered)


def _from_dataset(source: Any, size: int, number: int) -> Any:
    if isinstance(source, IterableDataset) or not hasattr(source, "__len__"):
        items = list(itertools.islice(iter(source), number * size, (number + 1) * size))
    else:
        count = min(size, len(source))
        items = [source[(i * len(source) // count + number) % len(source)] for i in range(count)]
    return default_collate(items) if items else None


def _from_loader(source: Any, name: str, number: int) -> Any:
    if isinstance(source, DataLoader):
        batches = iter(_without_workers(source) if source.num_workers else source)
        return next(itertools.islice(batches, number, None), None)
    batches = iter(source)
    if batches is iter(source):
        raise _used_up(name)
    return next(itertools.islice(batches, number, None), None)


def _without_workers(loader: DataLoader) -> DataLoader:
    """The loader as if it had no workers: starting some is slow, and persistent ones may be serving the user at this moment.

    One worker of its own is kept where the data may need one: a stream that is shared out, or workers that are set up.
    """
    needed = loader.worker_init_fn is not None or isinstance(loader.dataset, IterableDataset)
    twin = copy.copy(loader)
    vars(twin).update(_iterator=None, persistent_workers=False, num_workers=1)
    if not needed:
        vars(twin).update(num_workers=0, prefetch_factor=None, timeout=0, _DataLoader__multiprocessing_context=None)
    return twin


def _why_empty(source: Any) -> str:
    dataset: Any = getattr(source, "dataset", None)
    if hasattr(dataset, "__len__") and getattr(source, "drop_last", False):
        return f" ({len(dataset)} samples, batches of {source.batch_size}, drop_last=True)"
    return ""


def cut(batch: Any, size: int, batch_size: int | None = None) -> Any:
    """At most `size` samples, where the first axis is the batch in every tensor; else the batch as it is.

    >>> import torch
    >>> [t.shape[0] for t in cut((torch.zeros(100, 3), torch.zeros(100)), 32)]
    [32, 32]
    """
    lengths = {t.shape[0] if t.ndim else None for t in tensors(batch)}
    if len(lengths) != 1 or None in lengths or any(isinstance(part, PackedSequence) for part in parts(batch)):
        return batch
    length = lengths.pop()
    pairwise = any(t.ndim > 1 and t.shape[1] == length for t in tensors(batch) if t.shape[0] == length)  # a table of pairs, an adjacency
    if length is None or length <= size or pairwise or (isinstance(batch_size, int) and length > batch_size):
        return batch
    return mapped(batch, lambda t: t[:size])
