"""A sum as steps, each standing on the one before: where a number comes from."""

from __future__ import annotations

import dataclasses
import html

from ..plot import waterfall
from .layout import filled, wrapped

_WIDTH = 40


@dataclasses.dataclass(frozen=True)
class Waterfall:
    """Steps (name, what it adds, the ends of its interval) from `start` to `end`; the `title` states what they show."""

    title: str
    start: float
    steps: tuple[tuple[str, float, float, float], ...]
    unit: str = ""
    end: str = "all together"

    @property
    def alt(self) -> str:
        """What the picture shows."""
        added = ", ".join(f"{name} {size:+.3g}{' ' * bool(self.unit)}{self.unit}" for name, size, _, _ in self.steps)
        return f"{self.title} From {self.start:.3g}: {added}."

    def as_text(self) -> str:
        places = [self.start]
        for _, size, _, _ in self.steps:
            places.append(places[-1] + size)
        low, span = min(places), (max(places) - min(places)) or 1.0
        lines = []
        for (name, size, _, _), before, after in zip(self.steps, places, places[1:], strict=False):
            first, last = sorted(round((place - low) / span * _WIDTH) for place in (before, after))
            bar = " " * min(first, _WIDTH - 1) + "█" * max(1, last - first)
            lines += wrapped((name, f"{size:+.3g} {self.unit}", "|" + bar), (34, 10, _WIDTH + 3))
        return "\n".join([filled(self.title), *lines])

    def as_html(self) -> str:
        picture = waterfall(self.start, self.steps, self.unit, self.end)
        return f'<p><img alt="{html.escape(self.alt, quote=True)}" src="data:image/png;base64,{picture}" style="max-width:100%"></p>'
