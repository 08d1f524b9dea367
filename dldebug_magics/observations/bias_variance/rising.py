"""Whether the validation loss rose after its lowest point, beyond what noise from epoch to epoch makes of one that does not.

The lowest of many noisy values is low by luck, and every curve rises a little from there. Of what comes behind it any order is as likely as
another, if there is no trend: that is tested, on means over blocks of neighbouring epochs, which are less alike than the epochs themselves.
Source: M. Kendall, "A New Measure of Rank Correlation" (1938), for the exact test; P. Sen, "Estimates of the Regression Coefficient Based
on Kendall's Tau" (1968), for the trend and its interval.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy

from ...engine.subject import Subject
from ...instruments.evaluation.bootstrap import Interval
from .history import History, history_of
from .rungs import MUCH_OF, SOME_OF

FEWEST = 6  # epochs
_BLOCKS = (5, 8)  # fewer can't be told from luck, more are too much alike
_STILL = 0.7  # of the rise at its peak, that must be left at the end: what has come down again is no over-fitting
_TAIL = 0.025  # on either side of the interval
_OF_GAINED = 0.15  # of what was gained since the first epoch: to lose less is no reason for an alarm


@dataclasses.dataclass(frozen=True)
class Rise:
    """The validation loss was lowest at `epoch`, about `best` around it, and is `last` at the end of `epochs`.

    `trend`: how much it rose since then by its trend, `interval`: 95 % of that. `train`: the training loss at both times; empty where
    unknown. `scale`: what a change is held against. `gained`: how much lower the best is than the first epoch. `recovered`: it rose in
    between, and came down again.
    """

    epoch: float
    epochs: int
    best: float
    last: float
    trend: float
    interval: Interval
    train: tuple[float, ...]
    scale: float
    gained: float
    recovered: bool

    @property
    def size(self) -> float:
        """The rise as a share of the scale."""
        return (self.last - self.best) / self.scale

    @property
    def worth(self) -> str:
        """Whether "much", "some", or nothing (empty) is lost: next to the loss at the end, and much only if to the first epochs, too."""
        lost = self.last - self.best
        much = self.size >= MUCH_OF and lost >= _OF_GAINED * self.gained
        return "much" if much else "some" if self.size >= SOME_OF else ""

    @property
    def is_real(self) -> bool:
        """Whether it is beyond chance, and still there; and the training loss fell in the meantime, as far as that is known."""
        fell = not self.train or self.train[1] < self.train[0] - 0.01 * abs(self.train[0])
        return self.interval.above_zero and self.last > self.best and not self.recovered and fell


def risen(subject: Subject, history: Any) -> Rise | None:
    """How the validation loss went on in the history that is given, or that the subject has; None where there is none, or a short one."""
    history = subject.history if history is None else history
    return None if history is None else rise(history_of(history))


def rise(history: History) -> Rise | None:
    """How the validation loss went on from its lowest point; None where fewer than six epochs in all, or five behind it, say nothing."""
    values, (least, most) = numpy.array(history.val), _BLOCKS
    lowest, count = int(values.argmin()) if len(values) else 0, len(values)
    after = values[lowest + 1 :]
    if count < FEWEST or len(after) < least:
        return None
    blocks = numpy.array([part.mean() for part in numpy.array_split(after, max(least, min(most, len(after) // 2)))])
    window, near = max(2, min(10, count // 6)), max(1, count // 12)
    around = numpy.concatenate([values[max(0, lowest - near) : lowest], after[:near]])  # without the lowest itself, which is luck in part
    best, last = min(float(around.mean()), float(numpy.median(after))), float(values[-window:].mean())
    train = numpy.array(history.train)
    then = (float(train[max(0, lowest - near) : lowest + near + 1].mean()), float(train[-window:].mean())) if len(train) else ()
    return Rise(
        epoch=history.epochs[lowest],
        epochs=count,
        best=best,
        last=last,
        trend=float(numpy.median(_slopes(blocks)) * (len(blocks) - 1)),
        interval=_of_trend(blocks),
        train=then if numpy.isfinite(then).all() else (),
        scale=max(last if best > 0 else float(values[0]) - best, 1e-12),
        gained=float(values[0]) - best,
        recovered=last - best < _STILL * (_means(values[lowest:], window).max() - best),
    )


def _slopes(blocks: numpy.ndarray) -> numpy.ndarray:
    """From each block to each later one, smallest first."""
    pairs = itertools.combinations(range(len(blocks)), 2)
    return numpy.sort([(blocks[later] - blocks[earlier]) / (later - earlier) for earlier, later in pairs])


def _of_trend(blocks: numpy.ndarray) -> Interval:
    """The interval of the change from the first block to the last: above 0 where Kendall's exact test says that they rise.

    >>> _of_trend(numpy.array([1.0, 2.0, 3.0, 4.0, 5.0])).above_zero
    True
    >>> _of_trend(numpy.array([1.0, 2.0, 3.0, 5.0, 4.0])).above_zero
    False
    """
    slopes, left_out = _slopes(blocks), _fewest_falls(len(blocks))
    return Interval(*(float(slopes[place] * (len(blocks) - 1)) for place in (left_out, -1 - left_out)))


def _fewest_falls(count: int) -> int:
    """The most pairs in the wrong order that so many blocks without a trend have in at most 2.5 of 100 cases.

    >>> [_fewest_falls(count) for count in (5, 6, 8)]
    [0, 1, 5]
    """
    ways = numpy.ones(1)  # of pairs in the wrong order: how many orders have so many
    for size in range(2, count + 1):
        ways = numpy.convolve(ways, numpy.ones(size))
    return int((numpy.cumsum(ways / ways.sum()) <= _TAIL).sum()) - 1


def _means(values: numpy.ndarray, window: int) -> numpy.ndarray:
    """Moving means.

    >>> _means(numpy.array([1.0, 3.0, 5.0]), 2).tolist()
    [2.0, 4.0]
    """
    return numpy.lib.stride_tricks.sliding_window_view(values, min(window, len(values))).mean(axis=1)
