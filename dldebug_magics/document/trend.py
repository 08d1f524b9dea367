"""Numbers against sizes that grow by factors (samples, weights), with their intervals, on an axis that is logarithmic."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping, Sequence

from ..plot import trends
from .layout import filled, lined

Placed = tuple[float, float, float, float]  # place, value, and the ends of its interval (NaN: none)


@dataclasses.dataclass(frozen=True)
class Trend:
    """Lines by name over an axis called `across`, in `unit`; the `title` states what they show. As text: a table of the numbers."""

    title: str
    across: str
    unit: str
    lines: Mapping[str, Sequence[Placed]]

    @property
    def alt(self) -> str:
        """What the picture shows."""
        return f"{self.title} {'; '.join(self._told(name, line) for name, line in self.lines.items() if line)}."

    def _told(self, name: str, line: Sequence[Placed]) -> str:
        return f"{name}: " + ", ".join(f"{value:.3g}{_span(low, high)} at {place:g}" for place, value, low, high in line)

    def as_text(self) -> str:
        rows = [
            (name, f"{place:g}", f"{value:.3g}", _span(low, high).strip())
            for name, line in self.lines.items()
            for place, value, low, high in line
        ]
        return "\n".join([filled(self.title), *lined([("", self.across, self.unit, "95 % interval"), *rows])])

    def as_html(self) -> str:
        picture = trends(self.lines, self.across, self.unit)
        return f'<p><img alt="{html.escape(self.alt, quote=True)}" src="data:image/png;base64,{picture}" style="max-width:100%"></p>'


def _span(low: float, high: float) -> str:
    """' (1 to 2)', or nothing where there is none.

    >>> _span(1.0, 2.0), _span(float("nan"), float("nan"))
    (' (1 to 2)', '')
    """
    return f" ({low:.3g} to {high:.3g})" if low == low and high == high else ""
