"""Every panel in both of JupyterLab's themes: axe finds no serious fault of access, and no text is too faint."""

from __future__ import annotations

import pytest

from tests.browser.every_panel import CELLS


@pytest.fixture(scope="module", params=["dark", "light"])
def theme(request, _every):
    _every.shown.theme(request.param == "dark")
    yield request.param
    _every.shown.theme(False)


@pytest.mark.parametrize("name", CELLS)
def test_every_panel_is_read_in_both_themes(every, theme, name):
    shown = every.live(name)
    shown.page.evaluate("() => document.querySelectorAll('.jupyter-widgets details').forEach(one => one.open = true)")
    place = every.place(name)
    assert not shown.inaccessible(place)
    contrast, text = shown.least_contrast(place)
    assert contrast >= 4.5, text
    every.out(name).get_by_role("button", name="Freeze to static").scroll_into_view_if_needed()
    shown.picture(f"{name} {theme}")
