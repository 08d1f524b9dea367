"""Which steps of a loop are looked at closely in any case, by their numbers alone, so that two runs of a loop are looked at alike.

A close look at a small model costs as much as a few of its steps: of a thousand, twenty-eight are looked at.
"""

from __future__ import annotations

_FIRST = 12


def is_looked_at(number: int) -> bool:
    """The first dozen; then two in twenty, later two in two hundred, later two in a thousand: two optimizers may take turns.

    >>> [n for n in range(12, 3500) if is_looked_at(n)]
    [20, 21, 40, 41, 60, 61, 80, 81, 200, 201, 400, 401, 600, 601, 800, 801, 1000, 1001, 2000, 2001, 3000, 3001]
    """
    if number % 20 > 1:  # asked at every step
        return number < _FIRST
    return number < _FIRST or (number - number % 20) % (20 if number < 100 else 200 if number < 1000 else 1000) == 0
