"""All batches of a split as the user's loader gives them, or the numbers of their samples; how many are in one, and of which groups."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, default_collate

from ...engine.batch import _is_dataset, is_one_batch
from ...engine.errors import UserMistake
from ...engine.nested import tensors
from ...engine.samples import items

_BATCH = 256  # samples, where a Dataset comes without a loader
Groups = Callable[[Any], Any] | str | None  # of a batch: the group of each of its samples; or its key in the batch


def batches(source: Any, name: str) -> Iterator[Any]:
    """All batches of a split, through a fresh iterator."""
    if isinstance(source, Iterator):
        raise UserMistake(f"`{name}` is an iterator", expected="something that can be read twice", do="pass the loader")
    if is_one_batch(source):
        yield source
    elif _is_dataset(source):
        yield from DataLoader(source, batch_size=_BATCH)
    elif isinstance(source, DataLoader):
        yield from _apart(source)
    elif hasattr(source, "__iter__") or hasattr(source, "__getitem__"):
        yield from source
    else:
        raise UserMistake(f"`{name}` is a {type(source).__name__}", expected="a DataLoader, a Dataset or batches")


def made_anew(source: Any) -> bool:
    """Whether each batch is put together for one reading, so that a model that writes into it spoils nothing."""
    return isinstance(source, DataLoader) and source.collate_fn is default_collate and source.batch_size is not None


def _apart(loader: DataLoader) -> DataLoader:
    """The loader with workers of its own: persistent ones may be serving the user at this moment."""
    twin = copy.copy(loader)
    vars(twin).update(_iterator=None, persistent_workers=False)
    return twin


@dataclasses.dataclass(frozen=True)
class Material:
    """What batches are put together from, anywhere: a dataset that is read by number, and how samples become a batch."""

    dataset: Any
    collate: Callable[[Any], Any]
    batched: bool

    def batch(self, numbers: Any) -> Any:
        """The batch of these samples, as the loader would give it."""
        return self.collate(items(self.dataset, numbers) if self.batched else self.dataset[numbers])


def by_number(source: Any) -> tuple[Material, DataLoader] | None:
    """What the batches of a split are made from, and a loader of the numbers of their samples: drawn as the user's sampler draws them.

    None where the batches are not a matter of numbers alone: a stream, batches that are there already, workers that are set up first.
    """
    loader = DataLoader(source, batch_size=_BATCH) if _is_dataset(source) and not isinstance(source, IterableDataset) else source
    if is_one_batch(source) or not isinstance(loader, DataLoader) or type(loader).__iter__ is not DataLoader.__iter__:
        return None
    if isinstance(loader.dataset, (IterableDataset, Iterator)) or loader.worker_init_fn is not None:
        return None
    twin = _apart(loader)
    vars(twin).update(dataset=_Numbers(), collate_fn=_as_it_is, num_workers=0, prefetch_factor=None, timeout=0, pin_memory=False)
    vars(twin).update(_DataLoader__multiprocessing_context=None)
    return Material(loader.dataset, loader.collate_fn, loader.batch_sampler is not None), twin


class _Numbers:
    """Stands where a dataset would: a sample is its own number."""

    def __getitem__(self, number: Any) -> Any:
        return number


def _as_it_is(numbers: Any) -> Any:
    return numbers


def length(targets: tuple[Any, ...], found: Tensor | None) -> int:
    first = next(tensors(targets), None)
    counted = first if first is not None and first.ndim else found
    return len(counted) if counted is not None and counted.ndim else 1


def groups_in(batch: Any, groups: Groups, count: int) -> list[Any]:
    """The group of each sample, from the batch: by its key, its place, or a function."""
    try:
        found = groups(batch) if callable(groups) else batch[int(groups)] if not isinstance(batch, Mapping) else batch[groups]  # type: ignore[arg-type]
        listed = found.tolist() if isinstance(found, Tensor) else list(found)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise UserMistake(
            f"no groups in a batch by `{groups}`: {error}", expected="a key or place in the batch, or a function of it"
        ) from None
    if len(listed) != count:
        raise UserMistake(f"`{groups}` gave {len(listed)} groups for {count} samples", expected="one for each")
    return listed
