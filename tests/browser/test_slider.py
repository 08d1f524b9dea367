"""A slider of a real panel: its effect is there soon, by keyboard as by mouse, and nothing about it is closed to a screen reader."""

from __future__ import annotations

import statistics

import pytest

from tests.browser.test_watch_panel import LOOK, SOON
from tests.notebook.test_watch_panel import LOOP, SET_UP

_LISTEN = """box => {
    window.waited = [];
    const told = () => [...document.querySelectorAll('[role=status]')].some(e => e.textContent.startsWith(`Step ${box.value} of`));
    let before = '';
    addEventListener('pointerdown', () => before = box.value, true);
    addEventListener('pointerup', () => {
        const released = performance.now();
        const look = () => box.value !== before && told() ? window.waited.push(performance.now() - released) : requestAnimationFrame(look);
        look();
    }, true);
}"""


@pytest.fixture(scope="module")
def shown(notebook):
    opened = notebook(LOOK + SET_UP, f"%%watch net optimizer --panel{LOOP}", "print('another cell')")
    opened.run(0)
    opened.run(1)
    opened.out(1).get_by_role("spinbutton", name="step").wait_for()
    return opened


def dragged(shown, share: float) -> None:
    """Take the grip by mouse, and let it go at a share of the track."""
    out, mouse = shown.out(1), shown.page.mouse
    track = out.locator(".noUi-base").bounding_box()
    out.locator(".noUi-touch-area").hover()
    mouse.down()
    mouse.move(track["x"] + track["width"] * share, track["y"] + track["height"] / 2, steps=4)
    mouse.up()


def test_its_effect_is_in_the_page_soon_after_its_release(shown):
    box = shown.out(1).get_by_role("spinbutton", name="step")
    box.evaluate(_LISTEN)
    for number in range(50):
        dragged(shown, (0.1, 0.9, 0.3, 0.7)[number % 4])
        shown.page.wait_for_function("count => window.waited.length === count", arg=number + 1, timeout=20_000)
    waited = shown.page.evaluate("window.waited")
    shown.picture("slider")
    print(f"median of 50: {statistics.median(waited):.0f} ms")
    assert statistics.median(waited) <= SOON
    assert shown.value("control('step').value") == box.input_value() != "0"


def test_the_mouse_moves_the_grip_and_the_number_follows(shown):
    dragged(shown, 1.2)
    shown.until("(control('step').value, control('step').max)", "(59, 59)")
    shown.out(1).get_by_text("Step 59 of 0 to 59").wait_for()
    track = shown.out(1).locator(".noUi-base").bounding_box()
    shown.page.mouse.click(track["x"] + track["width"] / 2, track["y"] + track["height"] / 2)
    shown.out(1).get_by_text("Step 59 of 0 to 59").wait_for(state="detached")
    assert 28 <= int(shown.value("control('step').value")) <= 31


def test_axe_finds_nothing_and_tab_does_not_stop_at_the_grip(shown):
    shown.out(1).get_by_role("spinbutton", name="step").focus()
    shown.page.keyboard.press("Tab")
    assert "noUi" not in shown.page.evaluate("document.activeElement.className")
    assert shown.out(1).get_by_role("slider").count() == 0
    assert not shown.inaccessible(".jupyter-widgets")
