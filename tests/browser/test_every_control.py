"""Each control of each panel, by keyboard and by mouse, as the kernel holds it. None is listed: the panels are asked."""

from __future__ import annotations

import ast
import re

import pytest

from dldebug_magics import ask
from tests.browser.driver import Control
from tests.browser.every_panel import CELLS, Every
from tests.browser.lab import ROOT

FREEZE = "Freeze to static"  # ends the panel: it is pressed last, and by mouse in the tests of a page that was loaded again
PANELS = ROOT / "dldebug_magics" / "notebook" / "panels"


def test_every_panel_there_is_has_its_cell():
    own = {file.stem for file in PANELS.glob("*.py") if re.search(r"^def build\(", file.read_text(encoding="utf-8"), re.MULTILINE)}
    assert own - {"any_experiment"} <= set(CELLS) and set(CELLS) - own & set(ask.names())


@pytest.fixture
def soon(every, name):
    """The map runs every magic twice, so their answers may take a short while only."""
    budget = "get_ipython().run_line_magic('config', 'DLDebugMagics.budget = {}')"
    every.shown.value(budget.format(0.3 if name == "dldebug" else 60.0))
    yield
    every.shown.value(budget.format(60.0))


@pytest.mark.parametrize("name", CELLS)
def test_each_control_is_worked_by_keyboard_and_by_mouse(every, name, soon):
    shown, worked = every.live(name), set[tuple[str, str, int]]()
    while left := [one for one in every.controls(name) if (one.kind, one.label, one.rank) not in worked and one.label != FREEZE]:
        for control in [one for one in left if one.kind != "Button"] or left[:1]:  # what a button adds is worked as well
            worked.add((control.kind, control.label, control.rank))
            _why_off(every, control) if control.off else control.work()
    shown.picture(f"every control of {name}")
    (freeze,) = (one for one in every.controls(name) if one.label == FREEZE)
    freeze.key("Enter")
    shown.until(f"panel({name!r}) is None", "True")
    every.out(name).locator(".jupyter-widgets").wait_for(state="detached")
    assert every.out(name).get_by_role("heading", name="Panel of ").is_visible() and not every.out(name).get_by_role("spinbutton").count()


@pytest.mark.parametrize("name", CELLS)
def test_each_button_that_writes_a_cell_is_worked_by_keyboard_and_by_mouse(every, name):
    shown = every.live(name)
    there, below = every.out(name).locator(".jupyter-widgets button[data-commandlinker-args]"), every.number(name) + 1
    written, before = ast.literal_eval(shown.value(f"written({name!r})")), shown.texts()
    assert there.count() == len(written)
    for place, text in enumerate(written):
        for press in (lambda one: one.press("Enter"), lambda one: one.click()):
            press(there.nth(place))
            shown.cells(len(before) + 1)
            assert shown.texts() == [*before[:below], text, *before[below:]]
            shown.delete(below)
            shown.cells(len(before))


def _why_off(every: Every, control: Control) -> None:
    """What can't be worked says why where it stands; what is hidden holds what others say."""
    if control.off == "hidden":
        assert every.shown.value(f"{control.name}.value") == every.shown.value(HIDDEN[control.panel, control.label])
        assert control.out.get_by_role("textbox", name=control.label, exact=True).count() == 0
        return
    assert control.there.is_disabled()
    row = control.there.locator("xpath=ancestor::*[contains(@class, 'widget-hbox')][1]")
    assert every.shown.value("busy()") == "False" if control.label == "Stop" else "Not piloted here: " in row.inner_text()


_BOXES = "(key[1].replace(' ', '_') for key, (one, off) in widgets('improve').items() if key[0] == 'Checkbox' and one.value and not off)"
HIDDEN = {("improve", "term"): "at('improve', 'Dropdown', 'What to lower', 0).value", ("improve", "only"): f"','.join({_BOXES})"}


@pytest.mark.parametrize("name", CELLS)
def test_tab_reaches_everything_and_everything_has_a_name(every, name):
    shown = every.live(name)
    reached = [tuple(one) for one in _tabbed(every, name)]
    assert all(label for _, label in reached), reached
    wanted = [one for one in every.controls(name) if not one.off and one.kind != "IntSlider"]
    missed = [one.label for one in wanted if not any(one.label == label for _, label in reached)]
    assert not missed and len(reached) >= len(wanted), (missed, reached)
    assert not {one.label for one in every.controls(name) if one.off} & {label for _, label in reached}
    assert shown.value("busy()") == "False"


def _tabbed(every: Every, name: str) -> list[list[str]]:
    """The kind and the name of all that Tab comes to in the panel, from its first control to where it leaves the panel."""
    page, place = every.shown.page, every.place(name)
    page.evaluate(
        "place => [...document.querySelector(place).querySelectorAll('input, select, button')].find(e => !e.disabled).focus()", place
    )
    reached = []
    while found := page.evaluate(_FOCUSED, place):
        reached.append(found)
        assert len(reached) < 200, "Tab does not leave the panel"
        page.keyboard.press("Tab")
    return reached


_FOCUSED = """place => { const e = document.activeElement;
    return e.closest(place) && [e.tagName, (e.labels?.[0]?.innerText || e.getAttribute('aria-label') || e.innerText || '').trim()]; }"""
