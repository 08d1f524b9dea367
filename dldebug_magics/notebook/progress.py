"""One output that follows a run and ends as its report.

A run yields ever fuller reports. Each is one line here, at most four times a second, in a single display handle; the last one replaces the
line. Without a kernel there is nothing to update: a terminal prints the returned report, as it does with any value.
"""

from __future__ import annotations

import html
import inspect
import math
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from .shown import Shown

if TYPE_CHECKING:
    from ..engine.report import Report

INTERVAL = 0.25


class Screen:
    """Where a run is seen. `shown` keeps a report that is on the screen from being printed again as the cell's value."""

    def __init__(self, shell: Any, shown: Shown, title: str, quiet: bool = False):
        self.shown, self.title, self.quiet = shown, title, quiet
        self.live = not quiet and getattr(shell, "kernel", None) is not None
        self.handle: Any = None
        self.is_there = False  # what was drawn last; the cell may have cleared its output since
        self.drawn_at = -math.inf

    def draw(self, report: Report) -> None:
        """A line on how far the run is, unless the last one is younger than a quarter of a second."""
        now = time.monotonic()
        if self.live and now - self.drawn_at >= INTERVAL:
            self.drawn_at = now
            self._put(_line(f"{self.title}: {report.progress or 'running'}"))

    def show(self, page: Any) -> None:
        """Something with text and HTML in place of what was drawn before."""
        if self.live:
            self._put(bundle(page))

    def clear(self) -> None:
        """The cell has cleared its output."""
        self.is_there = False

    def end(self, report: Report, returned: bool) -> None:
        """The report in place of the line. A report that is not returned is shown in a terminal too."""
        if self.quiet or self.live or not returned:
            self.shown.remember(report)
        if self.live or (not returned and not self.quiet):
            self._put(bundle(report))

    def fail(self, error: BaseException) -> None:
        """The last line says why it goes no further."""
        if self.handle is not None:
            self._put(_line(f"{self.title}: ended by {type(error).__name__}"))

    def _put(self, data: dict[str, str]) -> None:
        """A press of the stop button may end this anywhere: what is not known to be there is shown anew, under the same id."""
        from IPython.display import DisplayHandle, display

        if not self.live and self.handle is None:
            display(data, raw=True)
            return
        self.handle = self.handle or DisplayHandle()
        (self.handle.update if self.is_there else self.handle.display)(data, raw=True)
        self.is_there = True


def bundle(shown: Any) -> dict[str, str]:
    """Text and HTML, for a front end to choose from."""
    return {"text/plain": repr(shown), "text/html": shown._repr_html_()}


def _line(text: str) -> dict[str, str]:
    return {"text/plain": text, "text/html": f'<pre role="status">{html.escape(text)}</pre>'}


def followed(reports: Generator[Report, None, Any], draw: Callable[[Report], None]) -> tuple[Report | None, KeyboardInterrupt | None]:
    """The last report, and the press of the stop button that ended the run.

    Pressed inside the generator, it yields what it has and raises; pressed while drawing, it is handed to the generator to the same effect.
    """
    last = None
    try:
        for report in reports:
            last = report
            draw(report)
    except KeyboardInterrupt as press:
        if inspect.getgeneratorstate(reports) == inspect.GEN_SUSPENDED and not (last and last.stopped):
            last = reports.throw(press)
        return last, press
    finally:
        reports.close()
    return last, None
