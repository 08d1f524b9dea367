"""Which samples of a split are looked at: evenly spread over what has numbers, a fair draw from a stream; in batches for the model.

What has numbers is read in a random order, so that a reading that is cut short is still no beginning of a sorted file. A stream is drawn
from by reservoir sampling: each sample gets a random key, and those with the smallest keys stay. Memory is that of the samples kept.

Source: J. Vitter, "Random Sampling with a Reservoir" (1985).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import numpy
import torch
from torch.nn.utils.rnn import PackedSequence

from ...engine import snapshot
from ...engine.batch import is_one_batch
from ...engine.nested import mapped, parts, tensors
from ...engine.samples import Numbered, items, numbered, portions

_BATCH = 256  # samples, where nobody says how many go together
_REACH = 20  # times as many samples of a stream are drawn from as are kept
_WAITING = 2  # times as many samples of a stream may wait for the draw
_ROOM = 2**28  # bytes: of samples that take more, fewer are kept


@dataclasses.dataclass
class Chosen:
    """At most `limit` samples of a source; `of` tells how many they were drawn from (None: unknown), `fair` whether all could be drawn."""

    source: Any
    limit: int
    seed: int
    of: int | None = None
    fair: bool = True

    def batches(self, until: float) -> Iterator[Any]:
        """The samples, in batches, until `until` (of `time.monotonic`); at least one batch."""
        with snapshot.reading(self.source), torch.inference_mode(False):
            data = numbered(self.source)
            if is_one_batch(self.source):
                yield from self._of_one(self.source)
            elif data is not None:
                yield from self._by_number(data, until)
            else:
                yield from self._of_stream(until)

    def _spread(self, total: int) -> list[int]:
        """Numbers at even distances, in a random order."""
        self.of, count = total, min(self.limit, total)
        return [int(i) * total // count for i in numpy.random.default_rng(self.seed).permutation(count)]

    def _of_one(self, batch: Any) -> Iterator[Any]:
        count = rows_in(batch)
        if count is None:
            yield batch
            return
        wanted = self._spread(count)
        for start in range(0, len(wanted), _BATCH):
            yield _rows(batch, numpy.array(wanted[start : start + _BATCH]))

    def _by_number(self, data: Numbered, until: float) -> Iterator[Any]:
        wanted = self._spread(len(data.dataset))
        for start in range(0, len(wanted), data.batch_size):
            yield data.collate(items(data.dataset, wanted[start : start + data.batch_size]))
            if time.monotonic() > until:
                return

    def _of_stream(self, until: float) -> Iterator[Any]:
        """A draw from the part of a stream that can be read in half the time; batches that can't be taken apart come as they are."""
        draws, kept, half = numpy.random.default_rng(self.seed), list[tuple[numpy.ndarray, Any]](), (time.monotonic() + until) / 2
        source, self.of, limit = self.source, 0, self.limit
        if isinstance(source, list):  # of batches, which may stand in any order
            source = [source[place] for place in draws.permutation(len(source))]
        for portion in portions(source, _REACH * limit):
            count = rows_in(portion.batch)
            if count is None:
                self.fair = False
                yield portion.batch
            else:
                kept.append((draws.random(count), mapped(portion.batch, torch.clone)))
                self.limit = min(self.limit, max(1, _ROOM * count // _bytes(portion.batch)))
            self.of += count or max(1, len(portion.numbers))
            kept = _smallest(kept, self.limit) if sum(len(keys) for keys, _ in kept) > _WAITING * self.limit else kept
            if time.monotonic() > half or (not self.fair and self.of >= self.limit):
                break
        whole = self.of < _REACH * limit and time.monotonic() <= half
        self.fair = self.fair and (whole or isinstance(source, list))
        yield from _joined([batch for _, batch in _smallest(kept, self.limit)])


def rows_in(batch: Any) -> int | None:
    """How many samples are in a batch whose every tensor has them along its first axis; None for any other.

    >>> rows_in((torch.zeros(5, 2), torch.zeros(5))), rows_in((torch.zeros(5, 2), torch.zeros(4)))
    (5, None)
    """
    lengths = {t.shape[0] if t.ndim and not t.is_sparse and not t.is_nested else None for t in tensors(batch)}
    return lengths.pop() if len(lengths) == 1 and not any(isinstance(part, PackedSequence) for part in parts(batch)) else None


def _smallest(kept: list[tuple[numpy.ndarray, Any]], limit: int) -> list[tuple[numpy.ndarray, Any]]:
    """The samples with the smallest keys, in the batches that they came in."""
    keys = numpy.concatenate([keys for keys, _ in kept]) if kept else numpy.zeros(0)
    if len(keys) <= limit:
        return kept
    last = numpy.partition(keys, limit - 1)[limit - 1]
    left = [(keys, batch, numpy.flatnonzero(keys <= last)) for keys, batch in kept]
    return [(keys[rows], _rows(batch, rows)) for keys, batch, rows in left if len(rows)]


def _rows(batch: Any, rows: numpy.ndarray) -> Any:
    return mapped(batch, lambda t: t[torch.from_numpy(rows).to(t.device)])


def _joined(batches: list[Any]) -> Iterator[Any]:
    """Neighbours of equal shapes put together, up to a batch."""
    waiting = list[Any]()
    for batch in batches:
        full = sum(rows_in(other) or 0 for other in waiting) >= _BATCH
        if waiting and (full or _shapes(waiting[0]) != _shapes(batch)):
            yield _together(waiting)
            waiting = []
        waiting.append(batch)
    if waiting:
        yield _together(waiting)


def _bytes(batch: Any) -> int:
    return max(1, sum(t.numel() * t.element_size() for t in tensors(batch)))


def _shapes(batch: Any) -> list[tuple[torch.dtype, tuple[int, ...]]]:
    return [(t.dtype, tuple(t.shape[1:])) for t in tensors(batch)]


def _together(batches: list[Any]) -> Any:
    columns = iter([torch.cat(column) for column in zip(*map(tensors, batches), strict=True)])
    return mapped(batches[0], lambda t: next(columns)) if len(batches) > 1 else batches[0]
