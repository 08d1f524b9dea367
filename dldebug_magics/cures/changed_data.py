"""Training data changed on their way into the model, batch by batch, with random numbers of their own; the user's stay as they are."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from ..engine.batch import _is_dataset, is_one_batch
from ..engine.nested import mapped
from ..engine.subject import Subject
from ..instruments.modality import main_input

OfInput = Callable[[Tensor, torch.Generator], Tensor]  # of a batch's inputs, and the random numbers to use
OfBatch = Callable[[Any], Any]


class Numbered(Dataset):
    """A dataset whose samples are changed one by one."""

    def __init__(self, dataset: Any, change: OfBatch):
        self.dataset, self.change = dataset, change

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, number: int) -> Any:
        return mapped(self.change(default_collate([self.dataset[number]])), lambda tensor: tensor[0])


class Stream:
    """Batches of a source, changed one by one."""

    def __init__(self, source: Any, change: OfBatch):
        self.source, self.change = source, change

    def __iter__(self) -> Iterator[Any]:
        for batch in [self.source] if is_one_batch(self.source) else self.source:
            yield self.change(batch)


def with_inputs(change: OfInput) -> Callable[[Subject], Subject]:
    """The change of a subject whose training inputs go through `change` at each reading; targets and all else are kept."""

    def edit(subject: Subject) -> Subject:
        numbers = torch.Generator().manual_seed(subject.seed)

        def of_batch(batch: Any) -> Any:
            given = main_input(subject, batch)
            if given is None:
                return batch
            new = change(given, numbers)
            return mapped(batch, lambda tensor: new if tensor is given else tensor)

        return dataclasses.replace(subject, train=changed(subject.train, of_batch))

    return edit


def like(given: Tensor, new: Tensor) -> Tensor:
    """Numbers of the kind that they were: bytes stay within 0 and 255."""
    if given.is_floating_point():
        return new.to(given.dtype)
    kind = torch.iinfo(given.dtype)
    return new.round().clamp(kind.min, kind.max).to(given.dtype)


def changed(source: Any, change: OfBatch) -> Any:
    """A source of the same kind whose batches are changed; in this process, because a worker would repeat its random numbers."""
    if isinstance(source, DataLoader) and not isinstance(source.dataset, IterableDataset):
        twin, collate = copy.copy(source), source.collate_fn
        alone = {"num_workers": 0, "prefetch_factor": None, "timeout": 0, "persistent_workers": False, "_iterator": None}
        vars(twin).update(alone, _DataLoader__multiprocessing_context=None, collate_fn=lambda items: change(collate(items)))
        return twin
    if _is_dataset(source) and not isinstance(source, IterableDataset) and hasattr(source, "__len__"):
        return Numbered(source, change)
    return Stream(source, change)
