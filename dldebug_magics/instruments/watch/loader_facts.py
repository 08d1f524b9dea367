"""What is to be known of a loader that takes part in a loop, in plain numbers and names."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch.utils.data import BatchSampler

from .numbering import Numbering, numbering_of
from .randomness import Source, source_of
from .reads import Part, parts_of

_UNNUMBERED = Numbering()


@dataclasses.dataclass(frozen=True)
class LoaderFacts:
    """A loader: how many batches and samples it has (-1: unknown), its sampler's class, its workers, which dataset it reads, and
    of which parts that consists: each a dataset and the places read in it (None: all); `own_batches`: a sampler of the user's makes them;
    `numbering`: the numbers of its classes; `random`: what makes its workers draw alike; `keeps_workers` from epoch to epoch"""

    kind: str
    batches: int
    samples: int
    batch_size: int
    sampler: str
    workers: int
    drops_last: bool
    dataset: int
    reads: tuple[Part, ...]
    own_batches: bool = False
    numbering: Numbering = _UNNUMBERED
    random: Source | None = None
    keeps_workers: bool = False


def of_loader(loader: Any) -> LoaderFacts:
    """The facts of a DataLoader."""
    batching = getattr(loader, "batch_sampler", None)
    own = batching is not None and type(batching) is not BatchSampler  # then the loader's sampler is a default that is not asked
    sampler = type(batching if own else getattr(batching or loader, "sampler", None)).__name__
    size = loader.batch_size or getattr(batching, "batch_size", 0) or 0
    return LoaderFacts(
        type(loader).__name__, _length(loader), _length(loader.dataset), size, sampler, loader.num_workers, loader.drop_last,
        id(loader.dataset), tuple(parts_of(loader.dataset)), own, numbering_of(loader), source_of(loader),
        bool(getattr(loader, "persistent_workers", False)),
    )  # fmt: skip


def _length(thing: Any) -> int:
    """How long it is; -1 for a stream. A sampler of the user's own may have no length, or a length that raises."""
    try:
        return len(thing)
    except Exception:
        return -1
