"""The part that every experiment's panel has: its options as controls, a button that runs it, a line of progress, the report below."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from ...document import as_html
from ..progress import INTERVAL, followed
from . import look
from .controls import Controls
from .panel import Panel
from .request import Request
from .work import Work

if TYPE_CHECKING:
    from ...engine.report import Report


class Runner:
    """`box` goes into the panel. `ended` is told of each report, which may be `folded`; `asked` are the options of the last one.

    `work` runs more than the experiment itself, one thing at a time.
    """

    def __init__(self, panel: Panel, request: Request, ended: Callable[[Report], Any] = lambda report: None, folded: bool = False):
        self.panel, self.request, self.ended, self.folded = panel, request, ended, folded
        self.controls = Controls(panel, request.options(), request.given, request.fitting())
        self.work = Work(panel, request.spoken.session.shell)
        self.run = panel.button("Run", self._start, button_style="primary")
        self.progress, self.result = panel.text(), panel.text()
        buttons = panel.made.HBox([self.run, self.work.stop, self.progress])
        self.box = panel.made.VBox([self.controls.box, buttons, self.result])
        self.asked = self.controls.typed()

    def _start(self) -> None:
        typed = self.controls.typed()
        self.work.begin(lambda: self._ran(typed))

    def _ran(self, typed: dict[str, str]) -> str:
        report, said = self.followed(self.request.reports(typed))
        if report is not None:
            self.asked = typed
            self.request.record(report)
            whole = as_html(report.document())
            self.result.value = look.card(f"<details><summary>The whole report</summary>{whole}</details>" if self.folded else whole)
            self.ended(report)
        return said

    def followed(self, reports: Generator[Report, None, Any]) -> tuple[Report | None, str]:
        """The last report of a run, which is seen in the line of progress, and what to say of it."""
        drawn = 0.0

        def draw(report: Report) -> None:
            nonlocal drawn
            if time.monotonic() - drawn >= INTERVAL:
                drawn = time.monotonic()
                self.progress.value = look.line(report.progress or "running")

        try:
            report, press = followed(reports, draw)
        finally:
            self.progress.value = ""
        if report is None:
            return None, "Stopped by you before anything was seen. Everything is as it was."
        as_was = "Everything is as it was." if report.untouched else "See the report's last line."
        if press is not None:
            return report, f"Stopped by you. {as_was}"
        return report, f"{'OK' if report.ok else 'FAIL'}: {' '.join(report.sentence().split())}"
