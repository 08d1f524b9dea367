"""The card that a picture is drawn on. It is part of the picture, because a kernel can't know which page that will be shown on."""

from __future__ import annotations

import dataclasses
from typing import Any

_DASHES = ("-", "--", "-.", ":")


@dataclasses.dataclass(frozen=True)
class Card:
    """What a picture is drawn on, and with: colours of the card, of text, of what is faint, and of the curves."""

    face: str
    ink: str
    faint: str
    strokes: tuple[str, ...]

    @property
    def styles(self) -> list[tuple[str, str]]:
        """A colour and a dash pattern for each curve: no meaning hangs on the colour alone."""
        return list(zip(self.strokes, _DASHES, strict=True))


CARDS = {
    "light": Card("white", "#1a1a1a", "#555555", ("#0b3c8c", "#b3431b", "#1b6e3c", "#6a3d9a")),
    "dark": Card("#1e1e1e", "#f0f0f0", "#b0b0b0", ("#8ab4f8", "#f6a37a", "#81c995", "#d0a8ff")),
}
chosen = CARDS["light"]


def use(theme: str) -> None:
    """Draw on the `dark` or the `light` card from now on; a kernel can't know which page its pictures are shown on."""
    global chosen
    chosen = CARDS[theme]


def dress(figure: Any) -> None:
    """The figure in the card's colours: its ground, and all that is written or ruled on it."""
    figure.set_facecolor(chosen.face)
    for axes in figure.axes:
        axes.set_facecolor(chosen.face)
        axes.tick_params(which="both", colors=chosen.ink)
        for spine in axes.spines.values():
            spine.set_edgecolor(chosen.ink)
        legend = axes.get_legend()
        written = [axes.xaxis.label, axes.yaxis.label, axes.title, *axes.texts, *(legend.get_texts() if legend is not None else ())]
        for text in (*written, axes._left_title):
            text.set_color(chosen.ink)
