"""Whether a loader's workers draw the same random numbers: two real workers are asked for the same sample.

Torch seeds `random`, `numpy.random` and itself anew in each worker. A generator that the dataset keeps for itself is copied into each of
them as it is.
"""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import numpy
import torch
from torch.utils.data import DataLoader, IterableDataset

from ...engine.digest import digest
from ...engine.generators import KINDS
from ...engine.nested import parts
from ...engine.reach import reached


@dataclasses.dataclass(frozen=True)
class Copied:
    """The kind and attribute of a generator kept by the dataset; `alike`: two workers gave the same sample though each draws it anew."""

    kind: str
    attribute: str
    workers: int
    alike: bool


def copied_generators(loader: Any) -> Copied | None:
    """Ask two workers twice each for one sample; None where the loader has fewer, or its dataset keeps no generator."""
    if not isinstance(loader, DataLoader) or loader.num_workers < 2 or isinstance(loader.dataset, IterableDataset):
        return None
    kept = [thing for thing in reached([loader.dataset], stop=()) if isinstance(thing, KINDS)]
    if not kept or not len(loader.dataset):  # type: ignore[arg-type]
        return None
    try:
        first, second, first_again, second_again = _asked(loader)
    except (RuntimeError, AttributeError, TypeError, OSError, pickle.PicklingError):  # no worker can be started here: nothing is known
        return None
    alike = first == second and first_again == second_again and first != first_again
    name = next((name for name, value in vars(loader.dataset).items() if value is kept[0]), "")
    return Copied(_written(kept[0]), name, loader.num_workers, alike)


def _written(generator: Any) -> str:
    owner = "numpy.random" if isinstance(generator, (numpy.random.Generator, numpy.random.RandomState)) else type(generator).__module__
    return f"{'torch' if isinstance(generator, torch.Generator) else owner}.{type(generator).__name__}"


def _asked(loader: DataLoader) -> list[str]:
    """The sample of number 0 from worker 0, worker 1, and from both again."""
    twin: DataLoader = DataLoader(
        loader.dataset,
        batch_size=1,
        sampler=[0, 0, 0, 0],
        num_workers=2,
        collate_fn=loader.collate_fn,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        timeout=60,
    )
    return [digest([part for part in parts(batch)]) for batch in twin]
