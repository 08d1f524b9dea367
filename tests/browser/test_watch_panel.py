"""The panel of `%%watch` in a browser: a step and the series chosen by keyboard, the step marked soon, its events jumped to."""

from __future__ import annotations

import statistics

from tests.notebook.test_watch_panel import LOOP, SET_UP

LOOK = """
%load_ext dldebug
panels = get_ipython().magics_manager.registry["DLDebugMagics"].session.panels
def control(label):
    from dldebug_magics.notebook.panels.panel import _parts
    (panel,) = panels.live.values()
    return next(one for one in _parts(panel.root) if getattr(one, "description", None) == label)
"""
MARK = ".widget-html-content div[style*='dashed']"
SOON = 300  # milliseconds from the release of a key or button to what is seen in the page
_TURN = """async ([seen, patience]) => {
    const box = document.activeElement, now = new Function('return ' + seen), before = now(), began = performance.now();
    box.stepUp();
    for (const kind of ['input', 'change']) box.dispatchEvent(new Event(kind, {bubbles: true}));
    while (now() === before && performance.now() - began < patience) await new Promise(requestAnimationFrame);
    return performance.now() - began;
}"""


def turned(shown, seen: str) -> float:
    """The milliseconds until something in the page has changed, after a step up in the number box that has the focus."""
    return shown.page.evaluate(_TURN, [seen, 20_000])


def test_it_opens_and_each_control_is_reached_by_keyboard(notebook):
    shown = notebook(LOOK + SET_UP, f"%%watch net optimizer --panel{LOOP}")
    shown.run(0)
    shown.run(1)
    out = shown.out(1)
    step = out.get_by_role("spinbutton", name="step")
    step.focus()
    shown.page.keyboard.press("ArrowUp")
    shown.until("control('step').value", "1")
    out.get_by_role("status").filter(has_text="Step 1 of 0 to 59: loss").wait_for()
    rate = out.get_by_role("checkbox", name="rate")
    rate.focus()
    shown.page.keyboard.press("Space")
    shown.until("control('rate').value", "True")
    out.locator(".widget-html-content img[alt*='rate 0.1 throughout']").wait_for()
    _the_mark_is_over_its_step_soon(shown, out)
    _the_buttons_jump(shown, out)
    out.locator("img").last.scroll_into_view_if_needed()
    shown.picture("watch panel")
    assert shown.value("control('rate').value") == "True" and not shown.errors


def _the_mark_is_over_its_step_soon(shown, out):
    """The line moves with the slider, as high as the picture, and between the ends of its axes."""
    out.get_by_role("spinbutton", name="step").focus()
    waited = [turned(shown, f"""document.querySelector("{MARK}")?.style.left""") for _ in range(50)]
    print(f"median of 50: {statistics.median(waited):.0f} ms")
    assert statistics.median(waited) <= SOON
    shown.until("control('step').value", "51")
    line, picture = out.locator(MARK).bounding_box(), out.locator("img").last.bounding_box()
    assert abs(line["height"] - picture["height"]) < 12 and picture["y"] - 8 < line["y"] < picture["y"] + 8
    assert 0.7 < (line["x"] - picture["x"]) / picture["width"] < 0.98
    assert out.locator(MARK).count() == 1


def _the_buttons_jump(shown, out):
    back = out.get_by_role("button", name="Previous event")
    back.focus()
    shown.page.keyboard.press("Enter")
    shown.until("control('step').value < 51", "True")
    out.get_by_role("status").filter(has_text="Event 2 of 3: the largest gradient norm").wait_for()
    before = shown.value("control('step').value")
    out.get_by_role("button", name="Next event").click()
    shown.until(f"control('step').value > {before}", "True")
    out.get_by_role("status").filter(has_text="Event 3 of 3: the lowest loss").wait_for()
