"""A watched program's first steps again, on copies, with and without the change that a finding proposes: the proof where numbers don't decide.

What the program can reach is copied before it is watched. Afterwards it runs from there as it is and corrected, from the same random numbers
and from others; `engine/again.py` has the rule by which the corrected one wins. A run in which something is missing proves nothing, and the
report says what was missing.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ...engine.again import Trial
from ...engine.deadline import TimeSpent
from ...engine.evidence import Confidence, Finding
from ...engine.judged import ranked
from ...engine.report import Report
from ..watch.log import Log
from .comparing import NotTried, compared
from .copies import Copies
from .program import Program

BUDGET = 30.0  # seconds for all proofs together

__all__ = ["Again", "Program"]


class Again:
    """Made right before a program is watched; `proven` when its report is there. `hushed` keeps what it displays from the screen."""

    def __init__(self, program: Program, budget: float = BUDGET, hushed: Callable[[], AbstractContextManager] = nullcontext):
        self.budget, self.copies = budget, Copies(program, time.monotonic() + budget, hushed)

    def proven(self, report: Report, log: Log) -> Iterator[Report]:
        """The report with what was tried, fuller with each finding. The stop button leaves what there is by then."""
        began, before = time.monotonic(), self.copies.state()
        deadline = began + self.budget
        for finding in report.findings:
            if finding.confidence is Confidence.PROVEN:
                continue
            yield dataclasses.replace(report, progress=f"running again on copies, with and without {finding.name}")
            try:
                tried = dataclasses.replace(finding, again=compared(self.copies, finding.fix.edits, log, deadline))
            except (NotTried, TimeSpent) as reason:
                why = "the time budget was spent" if isinstance(reason, TimeSpent) else str(reason)
                report = dataclasses.replace(report, not_examined=(*report.not_examined, f"a proof of {finding.name} by running again: {why}"))
            else:
                report = dataclasses.replace(report, findings=ranked(_told(f, finding, tried) for f in report.findings))
        yield self._ended(report, before, time.monotonic() - began)

    def _ended(self, report: Report, before: Any, seconds: float) -> Report:
        """With what it cost, and whether all is as before."""
        after = self.copies.state()
        changed = tuple(name for name in before if before[name] != after[name])
        experiment: Any = report.experiment
        return dataclasses.replace(
            report,
            experiment=dataclasses.replace(experiment, again=_cost(self.copies.steps, seconds)),
            progress="",
            steps=self.copies.steps,
            untouched=bool(report.untouched) and not changed,
            left_behind=(*report.left_behind, *changed),
        )


def _told(finding: Finding, asked: Finding, tried: Finding) -> Finding:
    if finding is not asked:
        return finding
    won = isinstance(tried.again, Trial) and tried.again.better
    return dataclasses.replace(tried, confidence=Confidence.PROVEN) if won else tried


def _cost(steps: int, seconds: float) -> str:
    """What running again cost, in a sentence.

    >>> _cost(0, 0.0), _cost(120, 1.26)
    ('Nothing had to be run again.', 'Copies ran 120 steps again, in 1.3 seconds.')
    """
    return f"Copies ran {steps} steps again, in {seconds:.1f} seconds." if steps else "Nothing had to be run again."
