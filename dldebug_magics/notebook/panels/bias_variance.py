"""The panel of `%bias_variance`: another human level, or fewer splits, move the terms and the verdict; nothing is read again for that."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from ...document import Table, Text, as_html
from . import look
from .panel import Panel
from .request import Request
from .runner import Runner

if TYPE_CHECKING:
    from ...engine.report import Report

_SHARE_STEPS = 1000
_EXACT = "From the report's own resamples: terms that are moved or joined have the intervals that a run would give them. Nothing was read."


def build(panel: Panel, request: Request, report: Report | None) -> None:
    """Fill the panel, and begin with the report that it was opened with."""
    ladder = Ladder(panel)
    runner = Runner(panel, request, ladder.show, folded=True)
    panel.put(ladder.box, runner.box)
    if report is not None:
        ladder.show(report)


class Ladder:
    """The levels of a report: a check box for each split, a number for the human level, and what they make together."""

    def __init__(self, panel: Panel):
        self.panel, self.result, self.said = panel, panel.text(), panel.text()
        self.controls, self.box = panel.made.VBox(), panel.made.VBox()
        self.box.children = (self.controls, self.said, self.result)
        self.report: Report | None = None
        self.splits: dict[str, Any] = {}
        self.known: Any = None
        self.human: Any = None

    def show(self, report: Report) -> None:
        """Begin anew, with this report."""
        seen: Any = report.experiment
        if seen is None or not seen.measured:
            self.panel.fill(self.controls, [])
            self.result.value = ""
            return
        self.report = report
        self.splits = {level.role: self._split(level.role) for level in seen.measured if level.role != "irreducible"}
        self.panel.fill(self.controls, [self._level(seen), self._row([*self.splits.values()])])
        self._draw()

    def _split(self, role: str) -> Any:
        made, name = self.panel.made, f"use {role.replace('_', '-')}"
        layout = made.Layout(width="auto")
        return self.panel.watched(made.Checkbox(value=True, description=name, indent=False, layout=layout), self._draw)

    def _level(self, seen: Any) -> Any:
        """Whether a human level is known, and the number: a slider's handle has no name that a screen reader could tell."""
        from ...observations.bias_variance.irreducible import HUMAN

        made, given = self.panel.made, next((level.value for level in seen.measured if level.given == HUMAN), None)
        values = [level.value for level in seen.measured]
        low, high = (0.0, 1.0) if seen.is_share else (min(0.0, *values), 2 * max(abs(value) for value in values) or 1.0)
        start = given if given is not None else values[0]
        step = 0.005 if seen.is_share else (high - low) / _SHARE_STEPS
        label = {"description": "human level", "style": {"description_width": "initial"}}
        self.known = made.Checkbox(value=given is not None, description="human level known", indent=False, layout=made.Layout(width="auto"))
        self.human = made.BoundedFloatText(value=start, min=low, max=high, step=step, **label, layout=made.Layout(width="13em"))
        self.panel.watched(self.known, self._draw)
        self.panel.watched(self.human, self._draw)
        return self._row([self.known, self.human])

    def _row(self, parts: list[Any]) -> Any:
        return self.panel.made.HBox(parts, layout=self.panel.made.Layout(align_items="center", flex_flow="row wrap"))

    def _draw(self) -> None:
        """The terms, the waterfall and the verdict of what is chosen."""
        left_out = [role for role, box in self.splits.items() if not box.value]
        if len(left_out) == len(self.splits):
            self.said.value, self.result.value = look.line("No split is left: tick one.", "status"), ""
            return
        found = judged_anew(self.report, left_out, self.human.value if self.known.value else None)
        self.said.value = look.line(f"{'OK' if found.ok else 'FAIL'}: {found.sentence()}", "status")
        self.result.value = look.card(as_html(_blocks(found)))


def judged_anew(report: Any, left_out: list[str], human: float | None) -> Report:
    """The report as it would be without these splits and with this human level: the checks are asked again, and nothing is measured."""
    from ...checks import all_checks
    from ...engine.judged import judged, ranked
    from ...observations.bias_variance.together import what_if

    seen = report.experiment
    checks = [check for check in all_checks() if seen.stage in (check.stage, *check.also)]
    found = judged(what_if(seen, left_out, human), checks)
    others = [finding for finding in report.findings if set(finding.check.reads.values()) != {type(seen)}]  # of what is not moved here
    return dataclasses.replace(found, findings=ranked([*found.findings, *others]))


def _blocks(found: Report) -> list[Any]:
    from ...observations.bias_variance.wording import blocks

    seen: Any = found.experiment
    shown = [block for block in blocks(seen) if not isinstance(block, Text)]
    rows = [(f"{f.severity.value.upper()}, {f.confidence.value}", f.name, f.check.title, f.fix.sentence) for f in found.findings]
    return [*([Table("What the checks say to it", ("how sure", "cause", "what it is", "fix"), rows)] if rows else []), *shown, Text(_EXACT)]
