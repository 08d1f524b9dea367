"""Curves as a PNG and as one line of text.

The picture carries its own card, light unless a dark one is asked for, and text that stands out on it, so that it reads the same on a light
and on a dark page. It is drawn with `Figure`, never pyplot: nothing of the user's plotting is touched. Matplotlib is imported when a
picture is drawn, not before.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from . import card

_BLOCKS = "▁▂▃▄▅▆▇█"
_LARGEST = 1e100  # beyond it there are no ticks: drawn as a gap
_APART = 1.2  # times a place: nearer ones have no room for two numbers
_DOTS = 60  # values that are drawn one by one


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """A curve in one line, with its first and last value; what is not finite is drawn as `!`.

    >>> sparkline([4.0, 3.0, 2.0, 1.0])
    '4 █▆▃▁ 1'
    """
    if not values:
        return ""
    picked = [values[i * len(values) // width] for i in range(width)] if len(values) > width else list(values)
    finite = [v for v in picked if math.isfinite(v)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    span = (high / 2 - low / 2) or 1.0  # in halves, so that the largest floats do not overflow
    marks = "".join(_BLOCKS[round((v / 2 - low / 2) / span * 7)] if math.isfinite(v) else "!" for v in picked)
    return f"{values[0]:.3g} {marks} {values[-1]:.3g}"


def plotted(curves: Mapping[str, Sequence[float]], level: tuple[str, float] | None = None, across: str = "training step") -> str:
    """The curves over steps as a base64 PNG, each with its own dash pattern; `level`: a named horizontal line; `across`: what a step is."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2.8), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel=_plain(across), ylabel="loss")
    for (name, curve), (colour, dash) in zip(curves.items(), card.chosen.styles, strict=False):
        axes.plot(range(len(curve)), [v if abs(v) < _LARGEST else math.nan for v in curve], dash, color=colour, label=_plain(name))
    if level is not None:
        axes.axhline(level[1], color=card.chosen.faint, linewidth=0.8, linestyle=(0, (1, 3)), label=_plain(level[0]))
    if _spans_decades(curves):
        axes.set_yscale("log")
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def stacked(courses: Sequence[tuple[str, Sequence[float], Sequence[float]]], across: str) -> tuple[str, float, float]:
    """Courses (name, places, values) as a base64 PNG, one below the other with the same places; `across` names these.

    And where in the picture's width the places 0 and 1 stand, as fractions: so a place can be marked without drawing anew.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 0.4 + 1.3 * len(courses)), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(courses), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, places, values) in zip(panels, courses, strict=True):
        drawn, dot = [v if abs(v) < _LARGEST else math.nan for v in values], "." if len(values) < _DOTS else ""
        axes.plot(places, drawn, color=card.chosen.strokes[0], linewidth=1, marker=dot, markersize=3)
        axes.set_title(_plain(name), fontsize=9, loc="left")
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        if _spans_decades({name: values}):
            axes.set_yscale("log")
    panels[-1].set_xlabel(_plain(across), fontsize=9)
    png, across_axes = _png(figure), panels[-1].get_xaxis_transform()  # where the axes lie is known once it is drawn
    zero, one = (across_axes.transform((place, 0))[0] / figure.bbox.width for place in (0, 1))
    return png, zero, one


def waterfall(start: float, steps: Sequence[tuple[str, float, float, float]], unit: str, end: str) -> str:
    """Steps (name, size, ends of its interval) that stand on each other, and where they end, as a base64 PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 0.9 + 0.4 * len(steps)), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    axes, place = figure.add_subplot(xlabel=_plain(unit)), start
    for row, (_, size, low, high) in enumerate(steps):
        axes.barh(row, size, left=place, color=card.chosen.strokes[size < 0], hatch="//" if size < 0 else None, height=0.6)
        place += size
        sign = -1 if size * (low + high) < 0 else 1  # an interval is of what gets worse, a step may go down
        axes.plot([place - size + sign * low, place - size + sign * high], [row, row], color=card.chosen.ink, linewidth=1.2, marker="|")
        axes.text(place, row - 0.38, f" {size:+.3g}", fontsize=8, va="bottom")
    axes.barh(len(steps), place, color="#888888", height=0.6)
    axes.set_yticks(range(len(steps) + 1), [_plain(name) for name, *_ in steps] + [_plain(end)], fontsize=8)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def trends(lines: Mapping[str, Sequence[tuple[float, float, float, float]]], across: str, unit: str) -> str:
    """Lines (place, value, ends of its interval or NaN) by name over a logarithmic axis, as a base64 PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.0), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel=_plain(across), ylabel=_plain(unit), xscale="log")
    for (name, line), (colour, dash) in zip(lines.items(), card.chosen.styles, strict=False):
        places, values = [p for p, *_ in line], [v for _, v, *_ in line]
        axes.plot(places, values, dash, color=colour, marker="o", markersize=4, label=_plain(name))
        axes.vlines(places, [low for *_, low, _ in line], [high for *_, high in line], color=colour, linewidth=1)
    at = list[float]()
    for place in sorted({place for line in lines.values() for place, *_ in line}):
        at += [place] * (not at or place > _APART * at[-1])
    axes.set_xticks(at, [f"{place:,.0f}" for place in at], fontsize=8)
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=9, ncols=len(lines), loc="lower right", bbox_to_anchor=(1, 1))  # "best" doesn't see the intervals
    axes.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def _png(figure: Any) -> str:
    card.dress(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


def _plain(name: str) -> str:
    """A name in which matplotlib finds no formula."""
    return name.replace("$", r"\$")


def _spans_decades(curves: Mapping[str, Sequence[float]]) -> bool:
    """Worth a logarithmic axis: all positive, and more than three powers of ten apart."""
    finite = [v for curve in curves.values() for v in curve if abs(v) < _LARGEST]
    return bool(finite) and min(finite) > 0 and max(finite) / min(finite) > 1e3
