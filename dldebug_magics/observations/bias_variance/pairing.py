"""Levels whose chance is shared: splits with the same groups, and two models on one split, are resampled together."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy

from ...engine.subject import Subject
from ...instruments.evaluation.buckets import Buckets
from ...instruments.evaluation.joint import drawn_jointly
from ...instruments.evaluation.kept import Kept
from ...instruments.evaluation.passes import Scored
from .decomposition import Level
from .reading import ROLES, Reading


@dataclasses.dataclass(frozen=True)
class Measured:
    """A level and the reading that it comes from."""

    level: Level
    reading: Reading


def paired(subject: Subject, measured: Sequence[Measured]) -> list[Level]:
    """The levels, those that share groups with draws that were made together; the others as they are.

    Levels of one company have the same number above 0 in `company`.
    """
    levels = [counted(each) for each in measured]
    for number, places in enumerate(_companies(measured), 1):
        generator = numpy.random.default_rng([subject.seed, len(ROLES) + number])
        draws = drawn_jointly([_scored(measured[place].reading) for place in places], generator)
        for column, place in enumerate(places):
            levels[place] = dataclasses.replace(levels[place], draws=draws[:, column], company=number)
    return levels


def counted(each: Measured) -> Level:
    """The level with the number of groups (of samples, of batches) that were drawn from, where few would be too few.

    Of a metric that stands in for what was not seen by samples of its own, the samples are enough.
    """
    found = _scored(each.reading)
    if isinstance(found.sums, Kept):
        return dataclasses.replace(each.level, groups=len(numpy.unique(numpy.concatenate(found.sums.members))))
    few = found.groups is not None or not getattr(found.metric, "prior", ())
    return dataclasses.replace(each.level, groups=len(found.sums.filled)) if few and isinstance(found.sums, Buckets) else each.level


def _companies(measured: Sequence[Measured]) -> list[list[int]]:
    """The places of those that belong together, directly or by others; nobody who stands alone."""
    found = [{place} for place in range(len(measured))]
    for one, other in itertools.combinations(range(len(measured)), 2):
        if _share(measured[one].reading, measured[other].reading):
            joined = found[one] | found[other]
            for place in joined:
                found[place] = joined
    return [sorted(company) for company in {id(each): each for each in found}.values() if len(company) > 1]


def _share(one: Reading, other: Reading) -> bool:
    """Whether the same groups stand in both, or the same samples, because both were read from one split."""
    if one.role == other.role:
        return True
    mine, its = _scored(one).members, _scored(other).members
    return mine is not None and its is not None and mine.shared(its) > 0


def _scored(reading: Reading) -> Scored:
    assert reading.found is not None, "something of it was read"
    return reading.found
