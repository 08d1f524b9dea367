"""What more data would do: a law of learning curves, read beyond the sizes that were tried, with what chance and a bend may do to it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy

from ..evaluation.bootstrap import Interval, interval
from .power_law import PowerLaw, fitted

_DEVIATIONS = 2.0  # that a mean may lie off the law


@dataclasses.dataclass(frozen=True)
class Extrapolated:
    """The fit, and what the error would be `times` as many samples later: its change against now, with a 95 % interval."""

    law: PowerLaw
    changes: tuple[tuple[int, float, Interval], ...]
    levels: tuple[tuple[float, float, Interval], ...]


def extrapolated(
    sizes: Sequence[float], errors: numpy.ndarray, drawn: numpy.ndarray, now: float, *, times: Sequence[int] = (2, 4), seed: int = 0
) -> Extrapolated | None:
    """What more data would do, from errors at each size [seeds, sizes] and bootstrap draws of their means over seeds [draws, sizes].

    None where the curve does not fall beyond chance: a fit would be no better than a flat line.

    Chance is not all: a curve may bend. So the interval goes as far down as the last two sizes alone let it, and as far on, at each
    doubling, as the last size lies off what those before it foretold: downwards always, upwards where that is beyond chance.
    """
    chance = _chance(errors, drawn, numpy.random.default_rng([seed, 41]))
    if len(errors) < 2 or interval(chance[:, 0] - chance[:, -1]).low <= 0:
        return None
    means, off = errors.mean(0), chance.std(axis=0)
    first = next((i for i in range(len(sizes) - 2) if _fits(sizes[i:], means[i:], off[i:])), len(sizes) - 2)
    found, ends = _Law.of(sizes[first:], means[first:], chance[:, first:]), _Law.of(sizes[-2:], means[-2:], chance[:, -2:])
    bent = _bent(sizes, means, chance)

    def span(values: numpy.ndarray, others: numpy.ndarray, doublings: float) -> Interval:
        one, other = interval(values), interval(others)
        return Interval(min(one.low, other.low) + doublings * bent.low, one.high + doublings * bent.high)

    places = [(k, k * now, math.log2(k)) for k in times]
    changes = tuple(
        (k, found.law.at(then) - found.law.at(now), span(found.at(then) - found.at(now), ends.at(then) - ends.at(now), d))
        for k, then, d in places
    )
    levels = tuple((then, found.law.at(then), span(found.at(then), ends.at(then), d)) for _, then, d in places)
    return Extrapolated(found.law, changes, levels)


def _chance(errors: numpy.ndarray, drawn: numpy.ndarray, generator: numpy.random.Generator) -> numpy.ndarray:
    """The draws with the seeds' chance in them, too: a normal number of their pooled variance, itself uncertain (a t distribution)."""
    seeds, count = errors.shape
    freedom = max(1, (seeds - 1) * count)
    deviation = float(numpy.sqrt(numpy.var(errors, axis=0, ddof=1).mean() / seeds)) if seeds > 1 else 0.0
    uncertain = numpy.sqrt(freedom / generator.chisquare(freedom, size=(len(drawn), 1)))
    return drawn + deviation * uncertain * generator.standard_normal(drawn.shape)


def _bent(sizes: Sequence[float], means: numpy.ndarray, chance: numpy.ndarray) -> Interval:
    """How far the last size lies off what the others foretell; none to a side on which it does not."""
    before = _Law.of(sizes[:-1], means[:-1], chance[:, :-1])
    off = float(means[-1]) - before.law.at(sizes[-1])
    return Interval(min(0.0, off), off if interval(chance[:, -1] - before.at(sizes[-1])).above_zero else 0.0)


def _fits(sizes: Sequence[float], means: numpy.ndarray, off: numpy.ndarray) -> bool:
    """Whether every mean lies about as near to the law as chance lets it."""
    a, b, c = fitted(sizes, means)[0]
    return bool((abs(a + b * numpy.asarray(sizes, dtype=float) ** -c - means) <= _DEVIATIONS * off).all())


@dataclasses.dataclass(frozen=True)
class _Law:
    """The law through some sizes, and through each of its draws, [draws, 3]."""

    law: PowerLaw
    rows: numpy.ndarray

    @classmethod
    def of(cls, sizes: Sequence[float], means: numpy.ndarray, chance: numpy.ndarray) -> _Law:
        return cls(PowerLaw(*map(float, fitted(sizes, means)[0])), fitted(sizes, chance))

    def at(self, samples: float) -> numpy.ndarray:
        return self.rows[:, 0] + self.rows[:, 1] * samples ** -self.rows[:, 2]
