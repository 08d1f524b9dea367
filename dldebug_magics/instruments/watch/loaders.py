"""The door of data: each batch that a DataLoader gives, how long the loop waited for it, and what it holds."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable
from typing import Any

from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

from ...engine.nested import tensors
from .contents import content_of, label_runs, samples_in
from .events import Begun, Drawn
from .log import Log
from .wrapped import wrapped


@contextlib.contextmanager
def watching_loaders(log: Log) -> Any:
    """Note where a loader is begun, and each batch that comes out of it."""
    sources: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    def beginning(plain: Callable) -> Callable:
        def __iter__(self: Any) -> Any:
            iterator = plain(self)
            if log.hears():
                sources[iterator] = log.loaders.number(self)
                log.note(Begun(sources[iterator], log.here()))
            return iterator

        return __iter__

    def giving(plain: Callable) -> Callable:
        def __next__(self: Any) -> Any:
            began = time.perf_counter()
            batch = plain(self)
            if log.hears() and self in sources:
                log.note(_drawn(log, sources[self], batch, time.perf_counter() - began))
            return batch

        return __next__

    with contextlib.ExitStack() as stack:
        stack.enter_context(wrapped(DataLoader, "__iter__", beginning))
        stack.enter_context(wrapped(_BaseDataLoaderIter, "__next__", giving))
        yield


def _drawn(log: Log, loader: int, batch: Any, waited: float) -> Drawn:
    log.waited += waited
    if not log.close:
        return Drawn(loader, log.here(3), waited)
    return Drawn(loader, log.here(3), waited, samples_in(batch), content_of(tensors(batch)), *label_runs(batch))
