"""Several curves, each on axes of its own, below each other over the same steps."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Callable, Sequence

from ..plot import card, stacked
from .layout import filled

Course = tuple[str, Sequence[float], Sequence[float]]  # a name, steps, values


@dataclasses.dataclass(frozen=True)
class Panels:
    """A picture of curves of different units; `across` is what they share. As text, and where no picture is shown: what is to be seen."""

    title: str
    across: str
    courses: tuple[Course, ...]

    @property
    def alt(self) -> str:
        """What the picture shows: where each curve begins and ends, and how far it goes in between."""
        return f"{self.title}: {'; '.join(map(_told, self.courses))}."

    def as_text(self) -> str:
        return filled(self.alt)

    def as_html(self) -> str:
        return self.drawn()()

    def drawn(self) -> Callable[..., str]:
        """Draw it now: what comes back is its HTML, again and again, and `marked(place)` draws nothing. The mark lies over the picture.

        Where styles are taken away, as on some pages that show saved notebooks, the mark is gone and the picture stays; the words tell it.
        """
        picture, zero, one = stacked(self.courses, self.across)

        def marked(place: float | None = None) -> str:
            told = "" if place is None else f" {self.across} {place:g} is marked."
            words = html.escape(self.alt + told, quote=True)
            image = f'<img alt="{words}" src="data:image/png;base64,{picture}" style="max-width:100%;display:block">'
            if place is None:
                return f"<p>{image}</p>"
            line = f"left:{100 * (zero + place * (one - zero)):.2f}%;border-left:2px dashed {card.chosen.strokes[1]}"
            mark = f'<div style="position:absolute;top:0;bottom:0;{line}"></div>'
            return f'<div style="position:relative;display:inline-block;max-width:100%">{image}{mark}</div>'

        return marked


def _told(course: Course) -> str:
    """One curve in words.

    >>> _told(("loss", range(4), [2.0, 8.0, 1.0, 1.5])), _told(("rate", range(2), [0.1, 0.1])), _told(("loss", [0, 1], [1.0, math.nan]))
    ('loss from 2 to 1.5, between 1 and 8', 'rate 0.1 throughout', 'loss from 1 to nan, not finite 1 times of 2')
    """
    name, _, values = course
    finite = [v for v in values if math.isfinite(v)]
    odd = len(values) - len(finite)
    if not odd and finite and min(finite) == max(finite):
        return f"{name} {finite[0]:.3g} throughout"
    ends = f"{name} from {values[0]:.3g} to {values[-1]:.3g}" if len(values) else f"{name} not known"
    inner = {f"{v:.3g}" for v in (min(finite), max(finite))} - {f"{values[0]:.3g}", f"{values[-1]:.3g}"} if finite else set()
    span = f", between {min(finite):.3g} and {max(finite):.3g}" if inner else ""
    return f"{ends}{span}{f', not finite {odd} times of {len(values)}' if odd else ''}"
