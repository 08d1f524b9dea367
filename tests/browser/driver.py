"""How a control of each kind is worked, by keyboard and by mouse; the kernel is asked what it holds after each touch.

A kind that is not here is an error: no panel gets a control that nobody has tried. Each is left as it was found.
"""

from __future__ import annotations

import ast
import dataclasses
import time
from collections.abc import Callable
from typing import Any

from tests.browser.lab import PATIENCE, Notebook

_ROLES = {"Checkbox": "checkbox", "Text": "textbox", "Combobox": "combobox", "Dropdown": "combobox", "Button": "button"}
_ROLES |= dict.fromkeys(("IntText", "BoundedIntText", "FloatText", "BoundedFloatText"), "spinbutton")


@dataclasses.dataclass(frozen=True)
class Control:
    """A widget of a panel: `rank` tells it from others that look the same, `off` is why it can't be worked."""

    shown: Notebook
    out: Any
    panel: str
    kind: str
    label: str
    rank: int
    off: str

    @property
    def there(self) -> Any:
        """It, on the page, found as a screen reader would: by what it is and what it is called."""
        if self.kind == "IntSlider":
            return self.out.locator(".noUi-handle").nth(self.rank)
        return self.out.get_by_role(_ROLES[self.kind], name=self.label, exact=True).nth(self.rank)

    @property
    def name(self) -> str:
        """It, in the kernel."""
        return f"at{(self.panel, self.kind, self.label, self.rank)}"

    def held(self, trait: str = "value") -> Any:
        return ast.literal_eval(self.shown.value(f"{self.name}.{trait}"))

    def becomes(self, value: Any) -> None:
        """Wait until the kernel has that value."""
        self.shown.until(f"{self.name}.value", repr(value))

    def key(self, *keys: str) -> None:
        """Press keys, with the mouse nowhere near."""
        self.there.focus()
        for key in keys:
            self.shown.page.keyboard.press(key)

    def typed(self, text: str) -> None:
        """Type over what is selected, and leave."""
        keyboard = self.shown.page.keyboard
        keyboard.type(text) if text else keyboard.press("Delete")
        keyboard.press("Tab")

    def work(self) -> None:
        """By keyboard and by mouse."""
        assert self.kind in _DRIVERS, f"nobody knows how to work a {self.kind}, such as {self.label!r} of {self.panel}"
        _DRIVERS[self.kind](self)


def _checkbox(box: Control) -> None:
    before = box.held()
    box.key("Space")
    box.becomes(not before)
    box.there.click()
    box.becomes(before)


def _number(box: Control) -> None:
    """An arrow key, and the arrow back that the mouse finds."""
    before, step, most = ast.literal_eval(box.shown.value(f"[(n.value, n.step or 1, getattr(n, 'max', 1e18)) for n in [{box.name}]][0]"))
    up = before + step <= most
    box.key("ArrowUp" if up else "ArrowDown")
    box.becomes(round(before + (step if up else -step), 9))
    size = box.there.bounding_box()
    box.there.click(position={"x": size["width"] - 10, "y": size["height"] * (0.7 if up else 0.3)})
    box.becomes(before)


def _text(box: Control) -> None:
    """Typed over what Control A has marked, and over what a triple click has."""
    before = box.held()
    box.key("ControlOrMeta+a")
    box.typed("by_keys")
    box.becomes("by_keys")
    box.there.click(click_count=3)
    box.typed(before)
    box.becomes(before)


def _combobox(box: Control) -> None:
    """As a text; and what it proposes is what the kernel has found."""
    proposed = box.there.evaluate("e => [...document.getElementById(e.getAttribute('list')).options].map(o => o.value)")
    assert proposed == list(box.held("options"))
    _text(box)


def _dropdown(box: Control) -> None:
    """Opened and chosen from; where it is closed, an arrow key is JupyterLab's own, which goes to the next cell."""
    before, count = box.held("index"), ast.literal_eval(box.shown.value(f"len({box.name}.options)"))
    assert count > 1, f"{box.label} offers no choice"
    beside = f"[*widgets({box.panel!r})]"
    as_found = box.shown.value(beside)
    down = before + 1 < count
    for opened, arrow, index in ((lambda: box.key("Space"), down, before + (1 if down else -1)), (box.there.click, not down, before)):
        opened()
        box.shown.page.keyboard.press("ArrowDown" if arrow else "ArrowUp")
        box.shown.page.keyboard.press("Enter")
        box.shown.until(f"{box.name}.index", str(index))
    box.shown.until(beside, as_found)  # a choice changes what stands beside it, a moment after its own value


def _slider(handle: Control) -> None:
    """The handle by mouse, from one end to the other; a box with a label is the same choice by keyboard."""
    low, high, before = handle.held("min"), handle.held("max"), handle.held()
    boxes = f"[one for one, _ in widgets({handle.panel!r}).values() if type(one).__name__ == 'BoundedIntText' and one.description]"
    for end in (high, low) if before == low else (low, high):
        _dragged(handle, end == high)
        handle.becomes(end)
        handle.shown.until(f"any((one.value, one.min, one.max) == ({end}, {low}, {high}) for one in {boxes})", "True")


def _dragged(handle: Control, far: bool) -> None:
    base = handle.out.locator(".noUi-base").nth(handle.rank)
    base.scroll_into_view_if_needed()  # a drag, unlike a click, goes where it is told
    mouse, grip, track = handle.shown.page.mouse, handle.there.bounding_box(), base.bounding_box()
    y = grip["y"] + grip["height"] / 2
    mouse.move(grip["x"] + grip["width"] / 2, y)
    mouse.down()
    mouse.move(track["x"] + (track["width"] + 20 if far else -20), y, steps=6)
    mouse.up()


def _button(button: Control) -> None:
    """Enter, and a click; each time the status line says what came of it."""
    for press in (lambda: button.key("Enter"), button.there.click):
        answered(button, press)


def answered(button: Control, press: Callable[[], Any]) -> str:
    """What the status line says in the end to a button that was pressed."""
    line = f"panel({button.panel!r}).status"
    button.shown.value(f"setattr({line}, 'value', '')")
    press()
    end = time.monotonic() + PATIENCE / 1000
    while not (said := button.shown.text(f"{line}.value")) or said.startswith(("Running", "Waiting")):
        assert time.monotonic() < end, f"{button.label} of {button.panel} was pressed, and the status line says {said!r}"
        button.shown.page.wait_for_timeout(50)
    assert "a defect of dldebug" not in said, said
    button.out.get_by_role("status").filter(has_text=said[:60]).first.wait_for()
    return said


_DRIVERS: dict[str, Callable[[Control], None]] = {"Checkbox": _checkbox, "Text": _text, "Combobox": _combobox, "Dropdown": _dropdown}
_DRIVERS |= {"IntSlider": _slider, "Button": _button, **{kind: _number for kind, role in _ROLES.items() if role == "spinbutton"}}
