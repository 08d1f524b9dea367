"""What axe finds in a part of a page: the faults of access that a machine can see."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_GRAVE = ("serious", "critical")


def faults(page: Any, place: str, alike: str = "") -> list[str]:
    """The serious and critical ones; `alike`: what looks like the rest of the place and need not be looked at."""
    from axe_playwright_python import sync_playwright

    page.evaluate((Path(sync_playwright.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    asked = {"include": [[place]], "exclude": [[alike]] if alike else []}
    with _all_in_view(page):
        found = page.evaluate("asked => axe.run(asked, {resultTypes: ['violations']})", asked)
    seen = {one["id"] for kind in ("passes", "violations", "incomplete") for one in found[kind]}
    assert "color-contrast" in seen, "axe has seen no text"
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] if one["impact"] in _GRAVE for node in one["nodes"]]


@contextlib.contextmanager
def _all_in_view(page: Any) -> Iterator[None]:
    """The window as tall as the notebook, and the body as tall as the window: axe counts no contrast of what it takes for cut off, and
    JupyterLab's own body has no height."""
    size = page.viewport_size
    tall = page.evaluate("""() => {
        document.documentElement.style.height = document.body.style.height = '100%';
        return Math.max(...[...document.querySelectorAll('.jp-WindowedPanel-outer')].map(e => e.scrollHeight)); }""")
    page.set_viewport_size({**size, "height": max(size["height"], tall + 300)})
    page.wait_for_timeout(500)
    try:
        yield
    finally:
        page.set_viewport_size(size)
