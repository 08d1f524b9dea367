"""A watched cell while it trains: one output that is drawn anew now and then, and becomes the report when the cell has ended.

It is drawn between two calls of the loop's own, in its thread. All of it, the asking of the checks too, may take one part in a hundred of
the run's time: the next drawing waits until that is so. A failure of ours ends the drawing, and never the loop.
"""

from __future__ import annotations

import dataclasses
import math
import os
import time
from typing import TYPE_CHECKING, Any

from .outputs import goes_below_the_cell
from .page import Page
from .progress import Screen

if TYPE_CHECKING:
    from ..ask import Watch
    from ..engine.evidence import Finding
    from ..engine.report import Report

_FIRST = 1.0  # seconds; a shorter run has no live view
_PAUSE = 0.75  # seconds between two drawings, at least
_SHARE = 0.004  # of the run's time for each, drawing and asking
_ASKING = 0.02  # seconds for the checks, as long as it is not known what they take
_ENOUGH = 24  # steps, before which the checks are not asked
_AGAIN = 1.5  # they are asked anew when the run is so many times as long


class Live:
    """Called by a watch at each step and pass that it notes. `shown`: the alarms that were on the screen; `failed`: what ended it.

    Seconds: `drawing` and `asking` that were spent, and what asking took when it was done `last`.
    """

    def __init__(self, shell: Any, screen: Screen):
        self.shell, self.screen = shell, screen
        self.watch: Watch | None = None
        self.drawing = self.asking = 0.0
        self.last, self.ask_at = _ASKING, 0.0
        self.alarms: tuple[Finding, ...] = ()
        self.shown: dict[str, None] = {}
        self.failed = ""
        self.began = self.due = math.inf
        self.process = os.getpid()  # a loader's worker is a copy of it, and shows nothing

    def follow(self, watch: Watch) -> None:
        """Show this watch, which begins now. What drawing needs is imported before."""
        from ..observations.training_loop import running  # noqa: F401

        self.watch, self.began = watch, time.perf_counter()
        self.due = self.began + _FIRST

    def __call__(self, evaluating: bool) -> None:
        """Draw, if it is time."""
        now = time.perf_counter()
        if now < self.due or self.watch is None or os.getpid() != self.process:
            return
        try:
            if goes_below_the_cell(self.shell):
                self._ask(self.watch, evaluating, now - self.began)
                self._draw(self.watch, evaluating)
            self.due = max(time.perf_counter() + _PAUSE, self.due)
        except Exception as error:
            self.failed, self.due = f"{type(error).__name__}: {error}".splitlines()[0], math.inf

    def _ask(self, watch: Watch, evaluating: bool, elapsed: float) -> None:
        """The checks, behind a step, where that may be afforded."""
        from ..observations.training_loop import running

        enough = watch.log.steps >= _ENOUGH and not evaluating
        if enough and elapsed >= self.ask_at and self.asking + self.last <= _SHARE * elapsed:
            began = time.perf_counter()
            self.alarms = running.alarms(watch.log, watch.checks)
            self.last, self.ask_at = time.perf_counter() - began, _AGAIN * elapsed
            self.asking += self.last

    def _draw(self, watch: Watch, evaluating: bool) -> None:
        from ..observations.training_loop import running

        began = time.perf_counter()
        self.screen.show(Page(running.page(watch.log, evaluating, self.alarms)))
        self.shown |= dict.fromkeys(finding.name for finding in self.alarms)
        took = time.perf_counter() - began
        self.drawing += took
        self.due = self.began + (self.drawing + took) / _SHARE

    def ended(self, report: Report) -> Report:
        """The report, with what became of that which was shown while it was made."""
        taken_back = self.shown.keys() - {finding.name for finding in report.alarms}
        said = [f"While it ran, {name} was shown as seen so far; the whole run does not bear it out." for name in sorted(taken_back)]
        if self.failed:
            said.append(f"The live view failed, which is a defect of dldebug: {self.failed}. The loop was not disturbed.")
        return dataclasses.replace(report, said=(*report.said, *said)) if said else report
