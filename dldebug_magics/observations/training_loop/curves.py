"""The course of a watched loop as curves: loss, rate, gradients of the layer groups, memory; as lines of a table, and as a picture."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...document import Block, Panels, Table
from ...engine.memory import in_words
from ...plot import sparkline

if TYPE_CHECKING:
    from ...instruments.watch.moments import Moment
    from . import TrainingLoop

_GROUPS = 8  # layer groups that have a line
_FEW = 20  # steps, below which a line of a table shows as much as a picture
_MARKS = 60  # of a line
_GROWTH = 1.02  # of the memory, below which it is not told


class Curve(NamedTuple):
    """Values over the numbers of the steps that they belong to."""

    name: str
    steps: Sequence[float]
    values: Sequence[float]


def table(loop: TrainingLoop) -> Table | None:
    """A line a curve; None where there is nothing to show."""
    rows = [(curve.name, sparkline(_evenly(curve))) for curve in (*_of_all(loop), *_of_groups(loop.moments)) if len(curve.values) > 1]
    memory = _memory(loop.moments)
    if memory is not None:
        marks = sparkline(_evenly(memory)).split(" ")[1]
        rows.append((memory.name, f"{in_words(memory.values[0])} {marks} {in_words(memory.values[-1])}"))
    return Table("The course of the loop", ("", "first, course, last"), rows) if rows else None


def blocks(loop: TrainingLoop) -> list[Block]:
    """The table and, of a loop of some length, the picture."""
    told = table(loop)
    drawn = [c for c in _of_all(loop) if sum(map(math.isfinite, c.values)) > 1 and (c.name != "rate" or len(set(c.values)) > 1)]
    found: list[Block] = [told] if told is not None else []
    if loop.taken >= _FEW and drawn:
        found.append(Panels("The course of the loop over its optimizer steps", "optimizer step", tuple(drawn)))
    return found


def _evenly(curve: Curve) -> Sequence[float]:
    """The values at evenly spread steps, each as last taken: early steps are looked at more often than late ones.

    >>> _evenly(Curve("gradient norm", [0, 1, 2, 9], [5.0, 4.0, 3.0, 1.0]))
    [5.0, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 1.0]
    """
    first, last = curve.steps[0], curve.steps[-1]
    marks = min(round(last - first) + 1, _MARKS)
    if marks <= len(curve.values):
        return curve.values
    places = (first + (last - first) * i / (marks - 1) for i in range(marks))
    return [curve.values[bisect_right(curve.steps, place) - 1] for place in places]


def _of_all(loop: TrainingLoop) -> Iterator[Curve]:
    """Loss, rate, and the norm of the whole gradient, of each optimizer that has one."""
    yield _loss(loop)
    yield Curve("rate", _places(loop.taken, len(loop.rates)), loop.rates)
    numbers = sorted({moment.optimizer for moment in loop.moments})
    for number in numbers[:3]:
        own = [moment for moment in loop.moments if moment.optimizer == number]
        name = "gradient norm" if len(numbers) == 1 else f"gradient norm, {loop.named(number)}"
        yield Curve(name, [m.number for m in own], [m.gradient for m in own])


def _loss(loop: TrainingLoop) -> Curve:
    """The loss of every pass; where an accelerator would have had to be waited for, that of the steps that were looked at."""
    if sum(map(math.isnan, loop.losses)) > len(loop.losses) / 2 and any(math.isfinite(m.loss) for m in loop.moments):
        return Curve("loss", [m.number for m in loop.moments], [m.loss for m in loop.moments])
    return Curve("loss", _places(loop.taken, len(loop.losses)), loop.losses)


def _places(taken: int, values: int) -> Sequence[float]:
    """At which steps values lie that were taken all along."""
    return range(values) if values == taken else [i * max(taken, 1) / values for i in range(values)]


def _of_groups(moments: Sequence[Moment]) -> Iterator[Curve]:
    """The first and the last layer groups, where there is more than one; one whose gradient never changed has nothing to show."""
    seen: dict[str, Curve] = {}
    for moment in moments:
        for name, norm in moment.groups:
            curve = seen.setdefault(name, Curve(f"gradient norm, {name}", [], []))
            curve.steps.append(moment.number)  # type: ignore[attr-defined]
            curve.values.append(norm)  # type: ignore[attr-defined]
    found = list(seen.values()) if len(seen) > 1 else []
    yield from found if len(found) <= _GROUPS else (*found[: _GROUPS // 2], *found[-_GROUPS // 2 :])


def _memory(moments: Sequence[Moment]) -> Curve | None:
    """Memory behind the first steps, in which it is taken for the first time; None where it stays as it is."""
    known = [m for m in moments[len(moments) // 10 :] if m.memory > 0]
    values = [m.memory for m in known]
    if len(values) < 2 or max(values) < _GROWTH * min(values):
        return None
    return Curve(f"memory of the {'GPU' if known[0].on_device else 'process'}", [m.number for m in known], values)
