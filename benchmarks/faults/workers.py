"""Work spread over processes, one torch thread each, in order."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any


def spread(work: Callable[[Any], Any], items: Iterable[Any], jobs: int) -> Iterator[Any]:
    """The results in the order of the items; with one job everything happens here."""
    if jobs <= 1:
        _alone()
        yield from map(work, items)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _alone) as pool:
        yield from pool.map(work, items)


def _alone() -> None:
    import torch

    torch.set_num_threads(1)
