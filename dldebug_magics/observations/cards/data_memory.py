"""What the training data take of the host's memory: the dataset where it lies there as a whole, and the batches that wait."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import numpy
from torch import Tensor
from torch.utils.data import DataLoader

from ...engine.batch import is_one_batch
from ...engine.examine import device_of
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.reach import reached
from ...engine.subject import Subject


@dataclasses.dataclass(frozen=True)
class DataMemory(Observation):
    """Bytes: `held` by the dataset's tensors and arrays, in `copies`; a batch's; and what the `host` has.

    workers, prefetched: how many processes make batches, and how many wait for each. on_host: whether the model lives there, too.
    """

    held: int = 0
    copies: int = 1
    workers: int = 0
    prefetched: int = 0
    batch: int = 0
    host: float = 0.0
    on_host: bool = True

    @property
    def waiting(self) -> int:
        """The bytes of all batches that may wait at once."""
        return self.workers * self.prefetched * self.batch

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[DataMemory]:
        """Add up what the loader's dataset leads to; nothing is read from it."""
        if subject.train is None or is_one_batch(subject.train):
            return
        loader = subject.train if isinstance(subject.train, DataLoader) else None
        device = device_of(subject)
        on_host = device is None or device.type == "cpu"
        given = subject.memory.total if subject.memory is not None and subject.memory.given and on_host else None
        yield cls(
            held=held(getattr(subject.train, "dataset", subject.train)),
            copies=1 + loader.num_workers if loader is not None and _started_anew(loader) else 1,
            workers=loader.num_workers if loader is not None else 0,
            prefetched=(loader.prefetch_factor or 0) if loader is not None else 0,
            batch=sum(t.numel() * t.element_size() for t in tensors(subject.batch)),
            host=given if given is not None else installed(),
            on_host=on_host,
        )


def held(dataset: Any) -> int:
    """The bytes of all tensors and arrays that a dataset leads to, mapped files left out."""
    sizes: dict[Any, int] = {}
    for thing in reached([dataset], stop=()):
        if isinstance(thing, Tensor) and thing.device.type == "cpu":
            storage = thing.untyped_storage()
            sizes[storage._cdata] = storage.nbytes()
        elif isinstance(thing, numpy.ndarray) and not _mapped(thing):
            root = thing if thing.base is None else thing.base
            sizes["numpy", id(root)] = getattr(root, "nbytes", thing.nbytes)
    return sum(sizes.values())


def _mapped(array: Any) -> bool:
    while array is not None:
        if isinstance(array, numpy.memmap):
            return True
        array = getattr(array, "base", None)
    return False


def _started_anew(loader: DataLoader) -> bool:
    """Whether workers begin without the parent's memory and get a copy of the dataset each."""
    context: Any = loader.multiprocessing_context
    method = getattr(context, "get_start_method", lambda: None)()
    return method in ("spawn", "forkserver")


def installed() -> float:
    """The bytes of memory in this machine; endless where it can't be asked."""
    names = os.sysconf_names if hasattr(os, "sysconf_names") else {}
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) if "SC_PHYS_PAGES" in names else float("inf")
