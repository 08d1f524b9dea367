"""A watched program's first steps again, on copies, with and without the change that a finding proposes: the proof of what is likely.

What the program can reach is copied before it is watched. Afterwards it runs from there as it is and corrected, from the same random
numbers and from others; `engine/again.py` has the rule by which the corrected one wins. A run in which something is missing proves
nothing, and the report says what was missing.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ...engine.deadline import TimeSpent
from ...engine.evidence import Confidence, Finding, Severity
from ...engine.judged import ranked
from ...engine.report import Report
from ..watch.log import Log
from .comparing import NotTried, compared
from .copies import Copies
from .program import Program

__all__ = ["Again", "Program"]


class Again:
    """Made right before a program is watched; `proven` when its report is there. `budget`: seconds for all proofs together; `hushed` keeps
    from the screen what the program displays."""

    def __init__(self, program: Program, budget: float, hushed: Callable[[], AbstractContextManager] = nullcontext):
        self.budget, self.copies = budget, Copies(program, time.monotonic() + budget, hushed)

    def proven(self, report: Report, log: Log) -> Iterator[Report]:
        """The report with what was tried, fuller with each finding. The stop button leaves what there is by then."""
        began, before = time.monotonic(), self.copies.state()
        try:
            for finding in report.findings:
                if finding.confidence is not Confidence.PROVEN and finding.severity is not Severity.NOTE:
                    yield dataclasses.replace(report, progress=f"running again on copies, with and without {finding.name}")
                    report = self._tried(report, finding, log, began + self.budget)
        except KeyboardInterrupt:
            yield dataclasses.replace(self._ended(report, before, time.monotonic() - began), stopped="by you")
            raise
        yield self._ended(report, before, time.monotonic() - began)

    def _tried(self, report: Report, finding: Finding, log: Log, deadline: float) -> Report:
        """The report with what running again says to a finding, or why it says nothing."""
        try:
            trial = compared(self.copies, finding.fix.edits, log, deadline)
        except NotTried as reason:
            return _without(report, finding, str(reason))
        except TimeSpent:
            return _without(report, finding, "the time budget was spent")
        except Exception as error:  # the user's training is done: what it cost must not be lost to a defect of ours
            return _without(report, finding, f"{type(error).__name__}: {error}".splitlines()[0])
        sure = Confidence.PROVEN if trial.better else finding.confidence
        tried = dataclasses.replace(finding, again=trial, confidence=sure)
        return dataclasses.replace(report, findings=ranked(tried if f is finding else f for f in report.findings))

    def _ended(self, report: Report, before: Any, seconds: float) -> Report:
        """With what it cost, and whether all is as before."""
        after = self.copies.state()
        changed = tuple(name for name in before if before[name] != after[name])
        return dataclasses.replace(
            report,
            seconds=report.seconds + seconds,
            progress="",
            steps=self.copies.steps,
            untouched=bool(report.untouched) and not changed,
            left_behind=(*report.left_behind, *changed),
        )


def _without(report: Report, finding: Finding, why: str) -> Report:
    return dataclasses.replace(report, not_examined=(*report.not_examined, f"a proof of {finding.name} by running again: {why}"))
