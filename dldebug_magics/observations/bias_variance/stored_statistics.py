"""What batch norm's stored statistics cost: the error with them, and with those of the training data, on the same samples."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy
import torch

from ...engine import snapshot
from ...engine.ambient import seeded
from ...engine.call import forward
from ...engine.nested import mapped
from ...engine.observation import Observation
from ...engine.samples import items, numbered, portions
from ...engine.subject import Subject
from ...instruments.evaluation.bootstrap import Interval, interval
from ...instruments.evaluation.joint import drawn_jointly
from ...instruments.evaluation.norm_statistics import NormStatistics
from ...instruments.evaluation.passes import Scored
from . import BiasVariance
from .reading import ROLES
from .rungs import worth

_MOST, _BATCH, _FEWEST = 500, 64, 64  # samples for either use; that a batch has at least; that say something
_HELD_OUT = ("train_val", "val", "test_val", "test")


@dataclasses.dataclass(frozen=True)
class Fall:
    """The metric on some samples of a split with the stored statistics and with new ones; by how much these are better, and the interval.

    `worth`: "much", "some", or nothing.
    """

    role: str
    stored: float
    anew: float
    interval: Interval
    samples: int
    worth: str


@dataclasses.dataclass(frozen=True)
class StoredStatistics(Observation):
    """The falls on train and on a held-out split, as far as both are there; none for a model without such statistics.

    `norms`: how many layers have some. `names`: the user's words for train and for the model.
    """

    norms: int = 0
    falls: tuple[Fall, ...] = ()
    names: tuple[str, str] = ("", "")

    @classmethod
    def measure(cls, subject: Subject, seen: BiasVariance) -> Iterator[StoredStatistics]:
        """Take the statistics anew on some training samples, and measure on others, and on a held-out split; 500 samples each."""
        statistics, train = NormStatistics(subject.model), seen.rung("train")
        found = cls(len(statistics.norms), names=(subject.name("train"), subject.name("model")))
        if not statistics.norms or train is None or train.samples < _FEWEST or subject.step is not None or _hopeless(seen, train.value):
            yield found
            return
        seeded(subject.seed)
        subject.model.eval()
        statistics.take_anew(subject, itertools.islice(_batches(subject, "train"), 0, None, 2))
        held_out = next((role for role in _HELD_OUT if getattr(subject, role) is not None), None)
        judged = {"train": itertools.islice(_batches(subject, "train"), 1, None, 2)}
        judged |= {held_out: itertools.islice(_batches(subject, held_out), 0, None, 2)} if held_out is not None else {}
        for role, batches in judged.items():
            found = dataclasses.replace(found, falls=(*found.falls, _fall(subject, seen, role, batches, statistics)))
            yield found


def _hopeless(seen: BiasVariance, value: float) -> bool:
    """Whether so little is wrong on train that nothing worth a change could be gained."""
    return not seen.larger_is_better and not worth(value, value, seen.is_share)


def _batches(subject: Subject, role: str) -> Iterator[Any]:
    """Batches of samples drawn at random, where they can be: neighbours in a sorted file have statistics of their own."""
    source, device = getattr(subject, role), next((p.device for p in subject.model.parameters()), None)
    data = numbered(source)
    with snapshot.reading(source):
        for batch in _drawn(data, subject.seed, role) if data is not None else (part.batch for part in portions(source, 2 * _MOST)):
            yield batch if device is None else mapped(batch, lambda t: t.to(device))


def _drawn(data: Any, seed: int, role: str) -> Iterator[Any]:
    """Batches of one size, an even number of them."""
    order = numpy.random.default_rng([seed, ROLES.index(role)]).permutation(len(data.dataset))[: 2 * _MOST].tolist()
    size = min(max(_BATCH, data.batch_size), len(order) // 2)
    for start in range(0, len(order) // (2 * size) * 2 * size, size):
        yield data.collate(items(data.dataset, order[start : start + size]))


def _fall(subject: Subject, seen: BiasVariance, role: str, batches: Iterable[Any], statistics: NormStatistics) -> Fall:
    both = Scored(subject, subject.metric), Scored(subject, subject.metric)
    for batch in batches:
        for found, known in zip(both, (statistics.own, statistics.anew), strict=True):
            statistics.put(known)
            with torch.no_grad():
                found.add(batch, *forward(subject, batch))
    sign = -1.0 if seen.larger_is_better else 1.0
    draws = drawn_jointly(both, numpy.random.default_rng([subject.seed, ROLES.index(role)]))
    stored, anew = (found.value for found in both)
    size = worth(sign * (stored - anew), max(abs(stored), abs(anew)), seen.is_share)
    return Fall(role, stored, anew, interval(sign * (draws[:, 0] - draws[:, 1])), both[0].samples, size)
