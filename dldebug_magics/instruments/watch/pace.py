"""Which steps of a loop are looked at closely in any case, by their numbers alone, so that two runs of a loop are looked at alike."""

from __future__ import annotations

_FIRST = 12


def is_looked_at(number: int) -> bool:
    """The first dozen; then two in ten, later two in a hundred, later two in a thousand: two optimizers may take turns.

    >>> [n for n in range(12, 1500) if is_looked_at(n)][14:30]
    [90, 91, 100, 101, 200, 201, 300, 301, 400, 401, 500, 501, 600, 601, 700, 701]
    """
    if number % 10 > 1:  # asked at every step
        return number < _FIRST
    milestone = number - number % 10
    return milestone % (10 if number < 100 else 100 if number < 1000 else 1000) == 0
