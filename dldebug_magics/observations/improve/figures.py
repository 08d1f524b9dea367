"""The two figures: error against the number of training samples, and against the number of weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...document import Block, Trend
from .units import number

if TYPE_CHECKING:
    from . import Improve
    from .results import Point, Size


def figures(seen: Improve) -> list[Block]:
    """Those that there is something to draw in."""
    return [*_learning_curve(seen), *_sizes(seen)]


def _learning_curve(seen: Improve) -> list[Block]:
    more = seen.more_data
    if more is None or len(more.points) < 2:
        return []
    measured, beyond = [_held_out(seen, p.samples, p) for p in more.points], [_held_out(seen, p.samples, p) for p in more.levels]
    lines = {"held out": measured, "trained on": [_on_train(seen, p.samples, p) for p in more.points]}
    first, last = more.points[0], more.points[-1]
    said = f"Learning curve: with {first.samples} to {last.samples} training samples the held-out {seen.metric} goes from "
    said += f"{number(seen, first.error)} to {number(seen, last.error)}; "
    if more.refused or more.law is None:
        said += f"nothing is said of more: {more.refused}."
    else:
        unit = f"{seen.metric} = " if not seen.larger_is_better else f"what {seen.metric} lacks = "
        law = f"{unit}{more.law.a:.3g} + {more.law.b:.3g} * n^-{more.law.c:.2g}"
        said += f"with {more.levels[0].samples} it would be {number(seen, more.levels[0].error)}, by the law {law}."
    return [Trend(said, "training samples", _unit(seen), {**lines, **({"by extrapolation": beyond} if beyond else {})})]


def _sizes(seen: Improve) -> list[Block]:
    if len(seen.sizes) < 2:
        return []
    best = min(seen.sizes, key=lambda size: size.error * (-1 if seen.larger_is_better else 1))
    said = f"Model size: {seen.metric} against the number of weights; best is {best.what} with {best.weights}."
    held_out = [_held_out(seen, size.weights, size) for size in seen.sizes]
    return [Trend(said, "weights", _unit(seen), {"held out": held_out, "trained on": [_on_train(seen, s.weights, s) for s in seen.sizes]})]


def _unit(seen: Improve) -> str:
    return f"{seen.metric}, %" if seen.is_share else seen.metric


def _held_out(seen: Improve, place: int, found: Point | Size) -> tuple[float, float, float, float]:
    scale = 100.0 if seen.is_share else 1.0
    return (float(place), scale * found.error, scale * found.interval.low, scale * found.interval.high)


def _on_train(seen: Improve, place: int, found: Point | Size) -> tuple[float, float, float, float]:
    return (float(place), (100.0 if seen.is_share else 1.0) * found.on_train, math.nan, math.nan)
