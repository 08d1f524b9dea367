"""Each panel that runs something, stopped mid-run: model, optimizer, gradients, hooks and random numbers are as before, bit for bit."""

from __future__ import annotations

import pytest

from tests.browser.driver import Control
from tests.browser.every_panel import CELLS, Every

STARTS = {"dldebug": "%overfit_batch"} | {name: "Run" for name in CELLS if name not in ("dldebug", "watch")}
STOPS = {
    "the kernel's": lambda stop: stop.shown.interrupt(),
    "the panel's by mouse": lambda stop: stop.there.click(),
    "the panel's by key": lambda stop: stop.key("Enter"),
}


def test_only_the_panel_of_a_loop_that_is_over_runs_nothing(every):
    buttons = {name: {one.label for one in every.controls(name) if one.kind == "Button"} for name in CELLS if every.live(name)}
    assert {name for name, found in buttons.items() if STARTS.get(name) in found} == {*CELLS} - {"watch"}
    assert not buttons["watch"] & {"Run", "Stop"}


# the key of the panel's button is pressed in one panel: it is the same button in all
@pytest.mark.parametrize(("name", "press"), [(n, p) for n in STARTS for p in STOPS if "key" not in p or n == "overfit_batch"])
def test_stopped_mid_run_all_is_bit_identical(every, name, press):
    shown = every.live(name)
    before, felt = shown.value("state()"), every.shown.value("beat.value").strip("'")
    shown.value(f"globals().update(pace=0.5), setattr(panel({name!r}).status, 'value', '')")
    try:
        _button(every, name, STARTS[name]).there.click()
        shown.page.wait_for_function(_OTHER, arg=felt, timeout=60_000)  # a pass has begun, and takes half a second
        stop = Control(shown, every.out(name), name, "Button", "Stop", 0, "")
        STOPS[press](stop)
        every.out(name).get_by_role("status").filter(has_text="Stopped by you").wait_for()
    finally:
        shown.value("globals().update(pace=0.0)")
    assert shown.value("state()") == before and shown.value("busy()") == "False"
    assert "Everything is as it was." in shown.text(f"panel({name!r}).status.value")


def _button(every: Every, name: str, label: str) -> Control:
    (found,) = (one for one in every.controls(name) if (one.kind, one.label) == ("Button", label))
    return found


_OTHER = """before => [...document.querySelectorAll('.jp-Cell:first-child .widget-label')].some(e => e.innerText !== before)"""
