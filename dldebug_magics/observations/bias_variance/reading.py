"""One split after the other, each within its share of the time: what was read of it, and how the metric varies by chance."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy
from torch.utils.data import DataLoader

from ...engine.batch import _is_dataset
from ...engine.deadline import TimeSpent
from ...engine.errors import UserMistake
from ...engine.subject import Subject
from ...instruments.evaluation.batches import Groups
from ...instruments.evaluation.bootstrap import Interval
from ...instruments.evaluation.kept import Whole
from ...instruments.evaluation.metrics import Metric
from ...instruments.evaluation.passes import Asked, Scored, scored
from ...instruments.evaluation.pools import Pool
from .decomposition import Level

ROLES = ("train", "train_val", "val", "test_val", "test")
NAMES = {role: role.replace("_", "-") for role in ROLES}  # as they are written
_PAUSE = 0.5  # seconds between two lines of progress


@dataclasses.dataclass(frozen=True)
class Sureness:
    """How much surer a model is on a split than it is right, on average; below 0 it is less sure."""

    role: str
    gap: float
    interval: Interval


@dataclasses.dataclass
class Reading:
    """One split: iterate over `passing` for progress; then it is known whether it was read to its end."""

    role: str
    source: Any
    found: Scored | None = None
    complete: bool = False

    def passing(self, subject: Subject, metric: Asked, groups: Groups, until: float, *, pool: Pool | None = None) -> Iterator[int]:
        """Read until the end, or until `until` (of `time.monotonic`), by a pool where one is given. Yields the number of samples so far."""
        seen, hurried = time.monotonic(), dataclasses.replace(subject, deadline=until)
        try:
            for found in scored(hurried, self.source, subject.name(self.role), metric, groups, pool=pool):
                self.found = found
                if time.monotonic() - seen > _PAUSE:
                    seen = time.monotonic()
                    yield found.samples
            self.complete = True
        except TimeSpent:
            self.complete = False

    def sureness(self, seed: int) -> Sureness | None:
        """How sure the model is there, against how often it is right; None for the training set, and where nobody can tell."""
        generator = numpy.random.default_rng([seed, len(ROLES)])
        found = self.found.confidence.gap(generator) if self.found is not None and self.role != "train" else None
        return None if found is None else Sureness(self.role, *found)

    @property
    def metric(self) -> Metric | Whole:
        """The metric, which the first batch decides where none was asked for."""
        assert self.found is not None and self.found.metric is not None, "something of it was read"
        return self.found.metric

    def level(self, subject: Subject) -> Level:
        """What the model is worth there. A `UserMistake` where the metric has no value."""
        assert self.found is not None, "something of it was read"
        name, metric = subject.name(self.role), self.metric.name
        try:
            value = self.found.value
            draws = self.found.draws(numpy.random.default_rng([subject.seed, ROLES.index(self.role)]))
        except Exception as error:
            raise UserMistake(f"`{metric}` fails on `{name}`: {type(error).__name__}: {error}".partition("\n")[0]) from None
        if not numpy.isfinite(value):
            raise UserMistake(f"`{metric}` has no value on `{name}`", expected="samples of at least two classes, where it ranks them")
        finite = draws[numpy.isfinite(draws)]  # a resample may hold a single class
        draws = draws if len(finite) == len(draws) or not len(finite) else numpy.resize(finite, len(draws))
        return Level(self.role, value, draws, self.found.samples, self.role, samples_in(self.source), self.complete)


def samples_in(source: Any) -> int | None:
    """How many samples a pass over the source gives; None where nobody says."""
    sampler = source.sampler if isinstance(source, DataLoader) and source.batch_size is not None else None
    counted = sampler if sampler is not None else source if _is_dataset(source) else None
    try:
        return len(counted)  # type: ignore[arg-type]
    except TypeError:  # a stream
        return None


def redrawn(source: Any) -> bool:
    """Whether a loader draws some samples more often than others: what is measured on it is another mixture."""
    sampler = getattr(source, "sampler", None)
    named = any(word in type(sampler).__name__ for word in ("Weighted", "Balanced", "Imbalanced"))
    return named or bool(getattr(sampler, "replacement", False))


def given_splits(subject: Subject) -> dict[str, Any]:
    """The splits that there are, by role. A `UserMistake` where there is none."""
    given = {role: getattr(subject, role) for role in ROLES if getattr(subject, role) is not None}
    if not given:
        raise UserMistake("no data to evaluate on", expected="at least one split", do="name them: --train .. --val .. --test ..")
    return given


def smallest_first(given: Mapping[str, Any]) -> list[str]:
    """The roles by the size of their splits: what the small ones leave of the time is the large ones'. Streams come last."""
    return sorted(given, key=lambda role: samples_in(given[role]) or sys.maxsize)
