"""Models that are made while a loop runs: by which line, and whether one comes after the other or several are meant to be compared."""

from __future__ import annotations

from itertools import pairwise

from ...instruments.source_lines import Line
from ...instruments.watch.events import Forward
from . import TrainingLoop
from .reading import steps_of


def born(loop: TrainingLoop) -> dict[Line, list[int]]:
    """The models that were trained, by the line that set their variable."""
    found: dict[Line, list[int]] = {}
    for number, line in loop.births:
        if line.place and any(model == number for _, model in loop.trained):
            found.setdefault(line, []).append(number)
    return found


def side_by_side(passes: list[Forward], numbers: list[int]) -> bool:
    """Whether passes of these models alternate, as those of an ensemble do."""
    return sum(one.model != other.model for one, other in pairwise(passes)) >= len(numbers)


def tried(loop: TrainingLoop, numbers: list[int]) -> bool:
    """Whether most of these models begin with a rate of their own."""
    firsts = [[last.rate for _, last in steps_of(loop, optimizer)][:1] for optimizer, model in loop.trained if model in numbers]
    return len({rate for first in firsts for rate in first}) > 0.5 * len(numbers)
