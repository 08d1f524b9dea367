"""The largest batch under a limit: memory grows nearly in a straight line with the batch, so a few looks find it."""

from __future__ import annotations

from collections.abc import Callable

from ...cures.batch_size import of, of_in_evaluation, samples_in
from ...engine.subject import Subject
from .measured import evaluated, trained

_LOOKS = 12
_NEAR = 0.005  # of the batch: near enough


def largest_batches(subject: Subject, limit: float, state: int) -> tuple[int | None, int | None]:
    """The largest batches of training and of evaluation; None where nobody knows how many samples there are, or no other number runs."""
    in_training, in_evaluation = samples_in(subject.batch), samples_in(subject.batch if subject.val is None else subject.val)
    return (
        _found(lambda n: trained(subject, of(n)).peak.total, limit, in_training),
        _found(lambda n: evaluated(of_in_evaluation(n)(subject), state=state).peak.total, limit, in_evaluation),
    )


def _found(need: Callable[[int], float], limit: float, start: int | None) -> int | None:
    try:
        return None if start is None else largest(need, limit, start)
    except Exception:  # the program has a batch size of its own, and says so in its own way
        return None


def largest(need: Callable[[int], float], limit: float, start: int) -> int:
    """The largest count whose `need` is at most the limit; 0 where one is too many.

    >>> largest(lambda count: 10 + 3 * count, 100, 8)
    30
    """
    known = {count: need(count) for count in (1, max(2, start))}
    if known[1] > limit:
        return 0
    for _ in range(_LOOKS):
        fits = max(count for count, size in known.items() if size <= limit)
        above = [count for count, size in known.items() if size > limit]
        if above and min(above) - fits <= max(1, _NEAR * fits):
            break
        count = _next(known, limit, fits, above)
        known[count] = need(count)
    return max(count for count, size in known.items() if size <= limit)


def _next(known: dict[int, float], limit: float, fits: int, above: list[int]) -> int:
    """Where the line through the two nearest looks meets the limit; between them where both sides are known."""
    below = max((count for count in known if count < fits), default=None)
    other = min(above) if above else below
    slope = (known[other] - known[fits]) / (other - fits) if other is not None else 0.0
    guess = int(fits + (limit - known[fits]) / slope) if slope > 0 else 2 * fits
    if not above:
        return min(max(guess, fits + 1), 1000 * fits)
    return min(max(guess, fits + 1), min(above) - 1) if guess not in known else (fits + min(above)) // 2
