"""The error that nobody could avoid, from what the user knows of it. Where nothing is known, none is invented.

A human level is the best guess of it; annotators who disagree show a part of it; a strong reference shows that more can be avoided; a
published or required value is only where others stand.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from ...engine.errors import UserMistake
from ...engine.subject import Subject
from ...instruments.evaluation.bootstrap import drawn
from ...instruments.evaluation.metrics import mean
from .decomposition import Level

HUMAN, ANNOTATORS, TARGET = "human level, as given", "annotators who disagree: at least so many labels are wrong", "target, as given"


def known_levels(subject: Subject, annotations: Any = None, reference: Level | None = None) -> list[Level]:
    """What is known of the irreducible error, the best guess first; `given` says what each is. reference: what one was measured to do."""
    found = []
    if subject.human is not None:
        found.append(fixed(subject.human, "human", HUMAN))
    if annotations is not None:
        found.append(_disagreement(annotations, subject.seed))
    if reference is not None:
        found.append(reference)
    if subject.target is not None:
        found.append(fixed(subject.target, "target", TARGET))
    return found


def fixed(value: Any, name: str, given: str) -> Level:
    """A level that is given, not measured."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UserMistake(f"`{name}` is {value!r}", expected="a number, by the same metric: an error rate of 2 % is 0.02")
    return Level("irreducible", float(value), numpy.full(1, float(value)), given=given)


def _disagreement(annotations: Any, seed: int) -> Level:
    """Labels that differ from their sample's most frequent one: whatever is true, so many are wrong at least.

    annotations: a label of each annotator for each sample, [samples, annotators]; nothing (NaN, None) where one gave none.
    """
    table = numpy.asarray(annotations, dtype=object)
    if table.ndim != 2 or table.shape[1] < 2:
        seen = f"of shape {list(table.shape)}"
        raise UserMistake(f"`annotations` are {seen}", expected="labels of two annotators or more for each sample: [samples, annotators]")
    rows = [_wrong_and_all([label for label in row if label is not None and label == label]) for row in table.tolist()]
    counted = numpy.array([row for row in rows if row[1] > 1], dtype=float)
    if not len(counted):
        raise UserMistake("`annotations` hold no sample with two labels", expected="some that several annotators looked at")
    draws = drawn(counted, mean, (), numpy.random.default_rng([seed, 99]))
    return Level("irreducible", float(mean(counted.sum(axis=0))), draws, len(counted), ANNOTATORS)


def _wrong_and_all(labels: list[Any]) -> tuple[int, int]:
    """How many labels are not the most frequent one, and how many there are.

    >>> _wrong_and_all([3, 3, 5]), _wrong_and_all([1, 2])
    ((1, 3), (1, 2))
    """
    most = max((labels.count(label) for label in labels), default=0)
    return len(labels) - most, len(labels)
