"""How long a run may be, and how many changes get all seeds, so that all is over in time: the budget split by what a run was seen to cost.

If there is time for every change with every seed, all get them. Else the changes are tried with one seed of their own and a quarter of
the samples first, and the better third goes on: successive halving in two rounds (K. Jamieson, A. Talwalkar, "Non-stochastic best arm
identification and hyperparameter optimization", 2016). Runs stay long as long as can be: a program that is not trained says little.
"""

from __future__ import annotations

import dataclasses
import math

SHORT = 0.25  # of a run, in the first round
_SPARE = 0.9  # of the time: what is planned for
_DEARER = 1.2  # what a change costs more than the program as it is, on average
_FEWEST = 2  # changes that go on at least
_HALF = 0.5  # of the samples wanted: with fewer, other things are left out first


@dataclasses.dataclass(frozen=True)
class Wish:
    """What is to be run: changes, and runs on parts of the data, by how many times as long as the program as it is; seeds of each.

    samples: that a run would see had it all the time, infinite where nobody knows; least: below which a run says nothing.
    """

    changes: tuple[float, ...]
    parts: tuple[float, ...]
    seeds: int
    samples: float
    least: int


@dataclasses.dataclass(frozen=True)
class Plan:
    """samples: how many a full run sees. survivors: how many changes get all seeds; all where no first round is needed. curve: whether
    there is time for a learning curve."""

    samples: int
    survivors: int
    first_round: bool
    curve: bool


def planned(seconds: float, pace: float, beside: float, wish: Wish) -> Plan:
    """The plan for `seconds`, of which a trained sample costs `pace`, and a run `beside` without its training.

    >>> planned(100.0, 1e-3, 0.1, Wish((1.0,) * 5, (), 3, 2000, 300))
    Plan(samples=2000, survivors=5, first_round=False, curve=False)
    >>> planned(25.0, 1e-3, 0.1, Wish((1.0,) * 5, (), 3, 2000, 300))
    Plan(samples=1666, survivors=2, first_round=True, curve=False)
    """
    count, longest = len(wish.changes), sorted(wish.changes, reverse=True)
    few = min(count, max(_FEWEST, math.ceil(count / 3)))
    ways = [(count, wish.parts), *([(few, wish.parts)] if few < count else []), (few, ()), (min(1, few), ())]
    enough = max(wish.least, _HALF * wish.samples) if math.isfinite(wish.samples) else wish.least
    for survivors, parts in ways:
        runs, first = wish.seeds * (1 + survivors + len(parts)), 1 + count if survivors < count else 0
        lengths = wish.seeds * (1 + sum(longest[:survivors]) + sum(parts)) + (SHORT * (1 + sum(longest)) if first else 0)
        most = (_SPARE * seconds - beside * (runs + first)) / (_DEARER * pace * lengths)
        if most >= enough:
            break
    samples = int(max(wish.least, min(wish.samples, most)))
    return Plan(samples, survivors, survivors < count, bool(parts))
