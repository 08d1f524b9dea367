"""A metric's sums in a fixed number of groups of samples: enough for any bootstrap, however many samples there are.

A sample's number (or the name of the group that it belongs to) decides its bucket by a hash, so that neighbours in a sorted file are torn
apart. Where samples are independent, buckets of them are, too, and drawing buckets with replacement is the bootstrap of a clustered sample:
memory stays the same for a thousand samples and for a billion. Few samples have a bucket each, but for rare collisions.

Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993); A. Cameron, J. Gelbach, D. Miller, "Bootstrap-Based
Improvements for Inference with Clustered Errors" (2008) for drawing clusters instead of samples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy

MOST, FEWEST = 1024, 256  # groups: the width of an interval is then known to 2 %, or 4 %
_NUMBERS = 2**20  # that all buckets together hold, about: a metric of a thousand classes has fewer of them
_WAITING = 2**15  # numbers that may wait


class Buckets:
    """Sums of rows of `width` numbers. Rows are added in the order in which they come, so that the same rows give the same bits."""

    def __init__(self, width: int):
        count = max(FEWEST, min(MOST, _NUMBERS // width))
        self.sums = numpy.zeros((count, width))
        self.samples = numpy.zeros(count, dtype=numpy.int64)
        self.waiting: list[tuple[numpy.ndarray, numpy.ndarray]] = []

    def add(self, rows: numpy.ndarray, members: numpy.ndarray) -> None:
        """Add rows [N, width]; `members` [N] are whole numbers that say who belongs together (`numbers` or `names` below).

        Several additions are put in place together, in their order, which costs less than each by itself.
        """
        self.waiting.append((rows, members))
        if len(self.waiting) * rows.size > _WAITING:
            self._put()

    def _put(self) -> None:
        if self.waiting:
            places = _mixed(numpy.concatenate([members for _, members in self.waiting])) % len(self.samples)
            rows, width = numpy.concatenate([rows for rows, _ in self.waiting]), self.sums.shape[1]
            cells = (places[:, None] * width + numpy.arange(width)).reshape(-1)
            numpy.add.at(self.sums.reshape(-1), cells, rows.reshape(-1))  # in one long row: three times as fast as in two axes
            self.samples += numpy.bincount(places, minlength=len(self.samples))
            self.waiting = []

    @property
    def total(self) -> numpy.ndarray:
        """The sums over all samples, [width]."""
        self._put()
        return self.sums.sum(axis=0)

    @property
    def count(self) -> int:
        """How many samples were added."""
        self._put()
        return int(self.samples.sum())

    @property
    def filled(self) -> numpy.ndarray:
        """The sums of the buckets that hold a sample, [buckets, width]."""
        self._put()
        return self.sums[self.samples > 0]


def numbers(start: int, count: int) -> numpy.ndarray:
    """Each sample by itself.

    >>> numbers(10, 3).tolist()
    [10, 11, 12]
    """
    return numpy.arange(start, start + count, dtype=numpy.uint64)


def names(groups: Sequence[Any]) -> numpy.ndarray:
    """Samples of one group together: a patient, a video, a user. The same name is the same number in every process.

    >>> found = names(["anna", "bert", "anna"])
    >>> bool(found[0] == found[2]), bool(found[0] == found[1])
    (True, False)
    """
    known: dict[str, int] = {}
    for group in groups:
        text = str(group)
        known.setdefault(text, int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))
    return numpy.array([known[str(group)] for group in groups], dtype=numpy.uint64)


def _mixed(members: numpy.ndarray) -> numpy.ndarray:
    """A number without order for each member: the finaliser of SplitMix64, which spreads neighbours (G. Steele et al., OOPSLA 2014)."""
    mixed = members.astype(numpy.uint64) + numpy.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> numpy.uint64(31))) >> numpy.uint64(1)).astype(numpy.int64)
