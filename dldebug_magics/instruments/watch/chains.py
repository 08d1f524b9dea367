"""Multiplications by weights one behind the other, and how the gradient's size changes along them."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple


class Chain(NamedTuple):
    """Multiplications one behind the other: by one weight again and again (`over` "time"), or by one weight after the other ("depth").

    `first`, `last`, `largest`: norms of the gradient at the result that was made first, last, and where it is largest, at `weight`.
    `uses`: how many there were. `leap`: the largest share of the growth (as a logarithm) that came in a single one.
    """

    over: str
    weight: str
    uses: int
    first: float
    last: float
    largest: float
    leap: float

    @property
    def growth(self) -> float:
        """How much larger the gradient became on its way back."""
        return self.largest / self.last

    @property
    def left(self) -> float:
        """What was left of it in the end."""
        return self.first / self.last


class Row(NamedTuple):
    """A result: the weight that it is by, the norm of the gradient there, and how often that weight was used."""

    weight: str
    norm: float
    uses: int


def chain_of(over: str, rows: list[Row]) -> Chain | None:
    """From the results in the order of the forward pass; None where there is no way, or nothing came."""
    if len(rows) < 2 or not rows[-1].norm > 0 or not all(math.isfinite(row.norm) for row in rows):
        return None
    largest = max(rows, key=lambda row: row.norm)
    logs = [math.log(row.norm) for row in rows[rows.index(largest) :] if row.norm > 0]
    leap = max((before - after for before, after in itertools.pairwise(logs)), default=0.0)
    leap = leap / (logs[0] - logs[-1]) if logs[0] > logs[-1] else 1.0
    return Chain(over, largest.weight, max(rows[0].uses, len(rows)), rows[0].norm, rows[-1].norm, largest.norm, leap)
