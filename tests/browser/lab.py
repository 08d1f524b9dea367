"""A notebook in a real JupyterLab and a real Chromium: what the tests of the panels are clicked through in."""

from __future__ import annotations

import ast
import html
import os
import re
import time
from pathlib import Path
from typing import Any

from tests.browser.axe import faults

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PATIENCE = 60_000  # milliseconds: a machine that is busy is no failure


class Notebook:
    """A notebook in the browser, with the few things that a user does to it."""

    def __init__(self, page: Any, url: str, name: str):
        self.page, self.url, self.name = page, url, name
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.open()

    def reload(self) -> None:
        """Save, and load the page again: the kernel lives on."""
        self.command("docmanager:save")
        self.open()

    def open(self) -> None:
        """Open it; returns when its kernel is ready."""
        self.page.goto(f"{self.url}/lab/tree/{self.name}?reset")
        self.panel = self.page.locator(".jp-NotebookPanel:visible")
        self.panel.wait_for(timeout=PATIENCE)
        self.script(
            "await app.restored; await panel().sessionContext.ready; await panel().context.ready;"
            "await panel().sessionContext.session.kernel.info;"
            "for (const cell of panel().content.model.cells) cell.trusted = true;"  # as one's own notebook is
        )

    def script(self, body: str, given: Any = None) -> Any:
        """Run JavaScript that knows `app`, `panel()` (this notebook) and `given`."""
        found = "[...app.shell.widgets('main')].find(w => w.content && w.content.model && w.sessionContext)"
        wait = "for (let i = 0; i < 300 && !panel(); i++) await new Promise(r => setTimeout(r, 100));"
        start = f"const app = window.jupyterapp; const panel = () => {found}; {wait}"
        return self.page.evaluate(f"async (given) => {{ {start} {body} }}", given)

    def command(self, name: str, **arguments: Any) -> None:
        """One of JupyterLab's own commands."""
        self.script(f"await app.commands.execute('{name}', given)", arguments)

    def run(self, number: int, wait: bool = True) -> None:
        """Run a cell, and wait for its end."""
        self.script("panel().content.deselectAll(); panel().content.activeCellIndex = given;", number)
        if wait:
            self.command("notebook:run-cell")
        else:
            self.script("void app.commands.execute('notebook:run-cell')")

    def cells(self, count: int) -> None:
        """Wait until the notebook has so many."""
        self.page.wait_for_function("count => document.querySelectorAll('.jp-Notebook .jp-Cell').length === count", arg=count)

    def delete(self, number: int) -> None:
        """Delete a cell."""
        self.script("panel().content.activeCellIndex = given; await app.commands.execute('notebook:delete-cell')", number)

    def cell(self, number: int) -> Any:
        found = self.panel.locator(".jp-Notebook .jp-Cell").nth(number)
        found.scroll_into_view_if_needed()
        return found

    def out(self, number: int) -> Any:
        """The outputs of a cell."""
        return self.cell(number).locator(".jp-Cell-outputArea")

    def texts(self) -> list[str]:
        """What the cells hold."""
        return self.script("return panel().content.widgets.map(w => w.model.sharedModel.getSource())")

    def value(self, expression: str) -> str:
        """What an expression is in the kernel now, asked beside the cells."""
        return self.script(
            "const k = panel().sessionContext.session.kernel; let said = '';"
            "const f = k.requestExecute({code: '', silent: true, store_history: false, user_expressions: {asked: given}});"
            "const r = await f.done; const a = r.content.user_expressions.asked;"
            "return a.status === 'ok' ? a.data['text/plain'] : `${a.ename}: ${a.evalue}`;",
            expression,
        )

    def text(self, expression: str) -> str:
        """What HTML in the kernel reads as."""
        return html.unescape(re.sub("<[^>]+>", "", ast.literal_eval(self.value(expression))))

    def until(self, expression: str, wanted: str, seconds: float = PATIENCE / 1000) -> None:
        """Wait until an expression has a value in the kernel: what a widget sends is on its way for a while."""
        end = time.monotonic() + seconds
        while (seen := self.value(expression)) != wanted:
            assert time.monotonic() < end, f"{expression} is {seen}, not {wanted}"
            self.page.wait_for_timeout(50)

    def theme(self, dark: bool) -> None:
        """Change between JupyterLab's two themes."""
        self.command("apputils:change-theme", theme=f"JupyterLab {'Dark' if dark else 'Light'}")
        self.page.locator(f"body[data-jp-theme-light='{str(not dark).lower()}']").wait_for(state="attached", timeout=PATIENCE)

    def interrupt(self) -> None:
        """Press the stop button of the toolbar."""
        self.panel.locator("[data-jp-item-name='interrupt']").click()

    def inaccessible(self, place: str, alike: str = "") -> list[str]:
        """The serious and critical faults of access that axe finds in a part of the page; `alike`: what need not be looked at in it."""
        return faults(self.page, place, alike)

    def least_contrast(self, place: str) -> tuple[float, str]:
        """The least contrast of a text with what it stands on, as WCAG counts it, and the text; what is switched off may be faint."""
        return tuple(self.page.evaluate(_LEAST_CONTRAST, place))

    def picture(self, name: str, clip: Any = None) -> None:
        """A picture of the page, or of a part of it, to be looked at."""
        folder = ROOT / "build" / "browser"
        folder.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(300)
        self.page.screenshot(path=folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png", clip=clip)


_LEAST_CONTRAST = """(place) => {
    const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const rgb = c => c.match(/[\\d.]+/g).map(Number);
    const light = c => { const [r, g, b] = rgb(c); return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b); };
    const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
        if (rgb(c).length < 4 || rgb(c)[3] > 0) return c; } return 'rgb(255,255,255)'; };
    const contrast = e => { const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05); };
    const texts = [...document.querySelectorAll(`${place} *`)].filter(e => e.offsetParent && !e.disabled &&
        [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
    return texts.map(e => [contrast(e), e.innerText]).sort((x, y) => x[0] - y[0])[0];
}"""
