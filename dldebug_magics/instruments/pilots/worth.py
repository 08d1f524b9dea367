"""What a run is worth on a split: the metric, and the metric on resamples that are the same for all runs, so that they can be paired.

Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993): what two models make of the same samples is drawn together.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy

from ...engine.subject import Subject
from ..evaluation.kept import Kept, Whole
from ..evaluation.metrics import Metric
from ..evaluation.passes import Asked, Scored, scored
from .data import fixed

DRAWS = 1000
_DRAWS_OF_WHOLE = 100  # a rank is computed anew for each


@dataclasses.dataclass(frozen=True)
class Worth:
    """The metric on a split, and on resamples of it, [draws]; `metric` is what was asked."""

    value: float
    draws: numpy.ndarray
    samples: int
    metric: Metric | Whole


def worth(subject: Subject, batches: list[Any], name: str, metric: Asked, seed: int) -> Worth:
    """Pass over the batches of a split in evaluation mode. Runs with the same seed have the same resamples."""
    found = list(scored(subject, fixed(batches), name, metric))[-1]
    assert found.metric is not None, "an empty split is a UserMistake"
    return Worth(found.value, _draws(found, seed), found.samples, found.metric)


def _draws(found: Scored, seed: int) -> numpy.ndarray:
    if isinstance(found.sums, Kept):
        return found.sums.draws(numpy.random.default_rng(seed), _DRAWS_OF_WHOLE)
    assert isinstance(found.metric, Metric) and found.sums is not None, "something was added"
    filled = found.sums.filled
    return numpy.asarray(found.metric.value(_times(seed, len(filled)) @ filled))


@functools.lru_cache(maxsize=4)
def _times(seed: int, count: int) -> numpy.ndarray:
    """How often each of so many buckets is drawn, [draws, buckets]: the same for every run, and dear to make."""
    drawn = numpy.random.default_rng(seed).multinomial(count, numpy.full(count, 1 / count), size=DRAWS)
    return drawn.astype(numpy.float32)
