"""Test error as a sum: irreducible error, then bias, variance, distribution shift and validation over-fitting, each with its interval.

    bias = train - irreducible              variance = train-val - train
    shift = test-val - train-val            validation over-fitting = test - test-val

Where the best value of the metric is known (no errors at all), the irreducible error is the first term, and all of them come to the error
on test. A split that is missing joins two terms into one that can't be told apart: without train-val, what lies between train and a
validation set from the test distribution is variance and shift together. Source: Full Stack Deep Learning, troubleshooting guide,
"evaluate"; A. Ng, "Machine Learning Yearning", chapters 20 to 43, for the train-val ("training dev") set.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

import numpy

from ...instruments.evaluation.bootstrap import Interval, expanded, interval

LADDER = ("best", "irreducible", "train", "train_val", "test_val", "test")
STEPS = ("irreducible error", "bias", "variance", "distribution shift", "validation over-fitting")


@dataclasses.dataclass(frozen=True)
class Level:
    """What the metric is at one rung: the value, and its resamples ([draws]; one alone where the value is given and not measured).

    `given` is what the user calls it, `total` how many samples there are (None: unknown), `complete` whether all of them were read. Levels
    with the same `company` above 0 were drawn together. `groups`: how many there were to draw from, where that is said (0: enough).
    """

    role: str
    value: float
    draws: numpy.ndarray
    samples: int = 0
    given: str = ""
    total: int | None = None
    complete: bool = True
    company: int = 0
    groups: int = 0

    @property
    def interval(self) -> Interval | None:
        """Where the value lies; None where it was given."""
        return interval(self.draws, expanded(self.groups)) if len(self.draws) > 1 else None


@dataclasses.dataclass(frozen=True)
class Term:
    """How much worse one rung is than the one below it, and what of that chance could make. `parts` holds more than one where splits are
    missing that would tell them apart. `paired`: both rungs were resampled together, because they share groups or samples.
    """

    parts: tuple[str, ...]
    below: str
    above: str
    value: float
    interval: Interval
    paired: bool = False

    @property
    def name(self) -> str:
        """The term in words."""
        return " + ".join(self.parts)


@dataclasses.dataclass(frozen=True)
class Decomposition:
    """The terms from below, and the one that is surely the largest; None where chance could have chosen it."""

    terms: tuple[Term, ...]
    dominant: Term | None


def placed(levels: Iterable[Level]) -> list[Level]:
    """The levels on their rungs, from below. A plain `val` takes the free one of train-val and test-val: test-val where both are free.

    >>> found = placed([Level("test", 0.3, numpy.zeros(1)), Level("val", 0.2, numpy.zeros(1)), Level("train", 0.1, numpy.zeros(1))])
    >>> [level.role for level in found]
    ['train', 'test_val', 'test']
    """
    by_role = {level.role: level for level in levels}
    plain = by_role.pop("val", None)
    free = next((role for role in ("test_val", "train_val") if role not in by_role), None)
    if plain is not None and free is not None:
        by_role[free] = dataclasses.replace(plain, role=free, given=plain.given or "val")
    return [by_role[role] for role in LADDER if role in by_role]


def decomposed(levels: Iterable[Level], larger_is_better: bool = False, best: float | None = None) -> Decomposition:
    """The terms between neighbouring rungs, from the `best` value that the metric can have where there is one; and the dominant term."""
    rungs, sign = placed(levels), -1.0 if larger_is_better else 1.0
    if best is not None and rungs:
        rungs = [Level("best", best, numpy.full(1, best)), *rungs]
    pairs = list(itertools.pairwise(rungs))
    changes = [sign * (above.draws - below.draws) for below, above in pairs]
    terms = [_term(below, above, sign, change) for (below, above), change in zip(pairs, changes, strict=True)]
    asked = [i for i, term in enumerate(terms) if term.parts != (STEPS[0],)]  # nothing can be done about what is irreducible
    return Decomposition(tuple(terms), _dominant([terms[i] for i in asked], [changes[i] for i in asked], _fewest(rungs)))


def _term(below: Level, above: Level, sign: float, change: numpy.ndarray) -> Term:
    parts = STEPS[LADDER.index(below.role) : LADDER.index(above.role)]
    known = interval(change, expanded(_fewest([below, above])))
    return Term(parts, below.role, above.role, sign * (above.value - below.value), known, 0 < below.company == above.company)


def _fewest(rungs: Sequence[Level]) -> int:
    return min((level.groups for level in rungs if level.groups), default=0)


def _dominant(terms: Sequence[Term], changes: Sequence[numpy.ndarray], groups: int) -> Term | None:
    """The largest term, if neither it nor its lead on the next one could be chance."""
    order = sorted(range(len(terms)), key=lambda i: -terms[i].value)
    if not order or not terms[order[0]].interval.above_zero:
        return None
    lead = interval(changes[order[0]] - changes[order[1]], expanded(groups)) if len(order) > 1 else terms[order[0]].interval
    return terms[order[0]] if lead.above_zero else None
