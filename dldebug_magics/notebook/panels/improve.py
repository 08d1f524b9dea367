"""The panel of `%improve`: pick the remedies that pilots are spent on. What the runs found stays, side by side, until it is cleared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...document import Table, as_html
from ..roles import FIELDS
from . import look
from .panel import Panel
from .remedy_boxes import RemedyBoxes
from .request import Request
from .runner import Runner

if TYPE_CHECKING:
    from ...engine.report import Report

_TERM = "What to lower"


def build(panel: Panel, request: Request, report: Report | None) -> None:
    """Fill the panel, and begin with the term that the report is about."""
    pilots = Pilots(panel, request, report)
    panel.put(panel.made.HBox([pilots.term]), pilots.boxes.box, pilots.runner.box, pilots.clear, pilots.compared, pilots.runs)


class Pilots:
    """Two options have better controls here: `term` is a choice among the terms that were found, `only` is a box for each remedy.

    Their own controls are hidden, and hold what these two say.
    """

    def __init__(self, panel: Panel, request: Request, report: Report | None):
        self.panel, self.count = panel, 0
        self.runner = Runner(panel, request, self.ended, folded=True)
        self.boxes = RemedyBoxes(panel, self._picked)
        widgets = self.runner.controls.widgets
        self.only, self.asked = widgets["only"], widgets["term"]
        self.boxes.pick(self.only.value)
        options, buttons, whole = self.runner.box.children
        self.runner.box.children = (buttons, options, whole)  # what is picked is run right below
        self.term = panel.watched(panel.made.Dropdown(description=_TERM, style={"description_width": "7em"}), self._asked_term)
        for control in (self.asked, self.only):
            self._hide(control)
        self.clear = panel.button("Clear the runs", self._cleared)
        self.clear.layout.align_self = "flex-start"
        self.seen: dict[str, Any] = {}
        self.with_: dict[str, str] = {}
        self.compared, self.runs = panel.text(), panel.made.VBox()
        self._know(report, self.asked.value)

    def ended(self, report: Report) -> None:
        """A run is over: put what it found beside the others."""
        self._know(report, self.asked.value)
        seen: Any = report.experiment
        if seen is None:
            return
        self.count += 1
        asked = [f"{name} {text}" for name, text in self.runner.asked.items() if name not in FIELDS]
        name, settings = f"run {self.count}", ", ".join(asked) or "with the defaults"
        self.seen[name], self.with_[name] = seen, settings
        self.compared.value = look.card(as_html([side_by_side(self.seen, self.with_)]))
        for former in self.runs.children:
            former.value = former.value.replace("<details open>", "<details>")
        tables = f"<details open><summary>The tables of {name}</summary>{as_html(seen.document())}</details>"
        inner = f"{look.heading(f'Run {self.count}: {settings}')}{look.line(report.sentence())}{tables}"
        self.panel.fill(self.runs, [*self.runs.children, self.panel.text(look.card(inner))])

    def _know(self, report: Report | None, term: str) -> None:
        """Take over what a report says of terms and remedies."""
        seen: Any = report.experiment if report is not None else None
        choices = self.boxes.learn(seen)
        if term and term not in [value for _, value in choices]:
            choices.append((term, term))
        if tuple(choices) != tuple(self.term.options):
            self.term.options, self.term.value = choices, term
        self._asked_term()

    def _asked_term(self) -> None:
        self.asked.value = self.term.value or ""
        self.boxes.show(self.asked.value)

    def _picked(self, names: list[str]) -> None:
        self.only.value = ",".join(names)

    def _cleared(self) -> None:
        told = "The runs are cleared." if self.seen else "There is no run to clear."
        self.seen.clear()
        self.with_.clear()
        self.compared.value = ""
        self.panel.fill(self.runs, ())
        self.panel.say(told)

    def _hide(self, control: Any) -> None:
        """Its whole row; what it holds is still what is asked."""
        row = next(row for row in self.runner.controls.box.children if control in row.children)
        row.layout.display = "none"


def side_by_side(runs: Mapping[str, Any], settings: Mapping[str, str]) -> Table:
    """What each change did in each run, and what that is worth: those of the last run first, the best of them on top."""
    from ...observations.improve.units import effect
    from ...observations.improve.verdict import judge

    effects = {
        name: {f"{r.remedy.replace('_', ' ')}: {r.what}": f"{r.word}: {effect(seen, r.effect)}" for r in seen.ranked}
        for name, seen in runs.items()
    }
    changes = dict.fromkeys(change for name in reversed([*runs]) for change in effects[name])
    heads = [f"{name}: {seen.term.name if seen.term else 'no term'}, on {judge(seen)}" for name, seen in runs.items()]
    rows = [[change, *(effects[name].get(change, "not tried") for name in runs)] for change in changes]
    asked = ["asked with", *(settings[name] for name in runs)]
    return Table("the runs side by side: effect with its 95 % interval, below 0 is better", ("change", *heads), [asked, *rows])
