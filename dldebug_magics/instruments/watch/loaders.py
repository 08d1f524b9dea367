"""The door of data: each batch that a DataLoader gives, how long the loop waited for it, and what it holds."""

from __future__ import annotations

import contextlib
import itertools
import re
import sys
import time
import weakref
from collections.abc import Callable
from typing import Any

from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

from ...engine.nested import tensors
from .cast import names_of
from .contents import content_of, label_runs, samples_in
from .events import Begun, Drawn
from .log import Log
from .randomness import source_of
from .wrapped import wrapped

_ROLES = re.compile("train|val|test|dev|hold")


@contextlib.contextmanager
def watching_loaders(log: Log) -> Any:
    """Note where a loader is begun, and each batch that comes out of it."""
    sources: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    def beginning(plain: Callable) -> Callable:
        def __iter__(self: Any) -> Any:
            began = time.perf_counter()
            iterator = plain(self)
            number = log.asks(_begun, log, self, time.perf_counter() - began)
            if number is not None:
                sources[iterator] = number
            return iterator

        return __iter__

    def giving(plain: Callable) -> Callable:
        def __next__(self: Any) -> Any:
            began = time.perf_counter()
            batch = plain(self)
            if self in sources:
                log.asks(_drawn, log, sources[self], batch, time.perf_counter() - began)
            return batch

        return __next__

    with contextlib.ExitStack() as stack:
        stack.enter_context(wrapped(DataLoader, "__iter__", beginning))
        stack.enter_context(wrapped(_BaseDataLoaderIter, "__next__", giving))
        yield


def _begun(log: Log, loader: Any, seconds: float) -> int:
    number = log.loaders.number(loader, "" if id(loader) in log.loaders.places else _telling(loader))
    log.data.begun(number, seconds)
    log.wake()
    source = source_of(loader) if log.loaders.parts[number].facts.random is not None else None
    log.note(Begun(number, log.here(), state=source.state if source is not None else 0))
    return number


def _telling(loader: Any) -> str:
    """A name that tells what the loader is for: that of the outermost function, where the inner ones may say `loader`, or more than they
    know."""
    return next((name for name in reversed([*names_of(loader, sys._getframe(3))]) if _ROLES.search(name.lower())), "")


def _drawn(log: Log, loader: int, batch: Any, waited: float) -> None:
    log.waited += waited
    log.data.waited(loader, waited)
    if not log.noting:
        log.totals.last_loader, log.totals.drawn = loader, True
        return
    if not log.close:
        return log.note(Drawn(loader, log.here(), waited))
    first = content_of(itertools.islice(tensors(batch), 1))
    content, words = content_of(tensors(batch)), log.data.drawn(loader, batch, log.totals.fed[loader] > 0)
    log.note(Drawn(loader, log.here(), waited, samples_in(batch), content, *label_runs(batch), first, words=words))
