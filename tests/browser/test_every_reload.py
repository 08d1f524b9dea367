"""Every panel after the page was loaded again: it comes back from the kernel, what it holds still works, and it can be frozen."""

from __future__ import annotations

import pytest

from tests.browser.every_panel import CELLS, Every
from tests.by_turns import by_turns


@pytest.fixture(scope="module")
def reloaded(_every: Every) -> None:
    """All of them open, and then the page loaded again; no test here opens one."""
    for name in CELLS:
        _every.live(name)
    _every.shown.reload()


@pytest.mark.parametrize("name", CELLS)
def test_it_comes_back_and_still_works(every, reloaded, name):
    every.out(name).get_by_role("button", name="Freeze to static").wait_for()
    left = {one.kind: one for one in reversed(every.controls(name)) if not one.off and one.label != "Freeze to static"}
    for first in [*left.values()][:2]:  # two kinds of control; all of them were worked before the page was loaded again
        first.work()
    assert every.shown.value(f"panel({name!r}) is None") == "False"


@pytest.mark.parametrize("name", by_turns(CELLS, of=len(CELLS)))
def test_it_is_frozen_by_mouse(every, reloaded, name):
    """One of them: it is the same button in all, and each is frozen by its key in `test_every_control`."""
    shown, out = every.shown, every.out(name)
    (freeze,) = (one for one in every.controls(name) if one.label == "Freeze to static")
    freeze.there.click()
    out.get_by_role("status").filter(has_text="run its cell anew").wait_for()
    assert shown.value(f"panel({name!r}) is None") == "True" and out.get_by_role("button").count() == 0
    assert out.locator(".jupyter-widgets").get_by_role("heading", name="Panel of ").is_visible()
