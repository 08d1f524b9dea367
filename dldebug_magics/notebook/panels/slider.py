"""A choice among things that are known already: a labelled box for the keyboard, and a slider with the same number for the mouse.

ipywidgets gives a slider's handle no name that a screen reader could tell. So the handle itself is hidden, which takes it out of what is
read aloud and of the order of Tab, and the grip inside it, which only the mouse wants, is drawn in its place.
"""

from __future__ import annotations

from collections.abc import Callable

from . import look
from .panel import Panel

_CLASS = "dldebug-slider"
_GRIP = "border:2px solid var(--jp-content-font-color1,#1a1a1a);border-radius:50%;background:var(--jp-layout-color0,#ffffff);cursor:grab"
_STYLE = f"<style>.{_CLASS} .noUi-handle{{visibility:hidden}} .{_CLASS} .noUi-touch-area{{visibility:visible;{_GRIP}}}</style>"


class Slider:
    """`box` goes into the panel. `choose(number)` draws what that number stands for, which must be quick, and returns the sentence."""

    def __init__(self, panel: Panel, label: str, last: int, choose: Callable[[int], str], *, first: int = 0):
        self.choose, made = choose, panel.made
        named = {"description": label, "style": {"description_width": "7em"}, "layout": made.Layout(width="13em")}
        self.number = made.BoundedIntText(value=first, min=first, max=last, **named)
        self.handle = made.IntSlider(value=first, min=first, max=last, readout=False, layout=made.Layout(width="16em"))
        self.handle.add_class(_CLASS)
        self.link = made.jslink((self.number, "value"), (self.handle, "value"))
        self.number.observe(lambda change: change.new is None and self.link.close(), "comm")  # the link is in no box that closes it
        self.sentence = panel.text()
        panel.watched(self.number, self.draw)
        centred = made.Layout(align_items="center", flex_flow="row wrap")
        self.box = made.VBox([made.HBox([self.number, self.handle, panel.text(_STYLE)], layout=centred), self.sentence])

    def draw(self) -> None:
        """Choose what the slider stands at."""
        self.sentence.value = look.line(self.choose(self.number.value), "status")
