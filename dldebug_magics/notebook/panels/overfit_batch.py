"""The panel of `%overfit_batch`: other steps, rates and batches; and each suspect's fix, tried on a copy, its curve beside the others."""

from __future__ import annotations

import dataclasses
import functools
import html
from typing import TYPE_CHECKING, Any

from ...document import Figure
from .. import fixing
from . import look
from .panel import Panel
from .request import Request
from .runner import Runner

if TYPE_CHECKING:
    from ...engine.report import Report

_AS_IT_IS = "as it is"
_COPY = "adds a cell below (JupyterLab, Notebook 7); elsewhere copy the lines"


@dataclasses.dataclass(frozen=True)
class Suspect:
    """What can be tried: its name, what to do or what came of it, how its curve is called, the run of the cured copy if there was one."""

    name: str
    told: str
    label: str
    run: Any = None


def build(panel: Panel, request: Request, report: Report | None) -> None:
    """Fill the panel, and begin with the report that it was opened with."""
    fixes = Fixes(panel)
    fixes.runner = Runner(panel, request, fixes.show, folded=True)
    panel.put(fixes.runner.box, fixes.box)
    if report is not None:
        fixes.show(report)


class Fixes:
    """The suspects of a report, a button each, and one picture of all curves."""

    runner: Runner

    def __init__(self, panel: Panel):
        self.panel = panel
        self.curves: dict[str, Any] = {}
        self.level: Any = None
        self.figure, self.buttons, self.code = panel.text(), panel.made.VBox(), panel.text()
        self.box = panel.made.VBox([self.figure, self.buttons, self.code])

    def show(self, report: Report) -> None:
        """Begin anew, with this report."""
        run: Any = report.experiment
        self.curves = {_AS_IT_IS: run.losses} if run is not None and run.losses else {}
        self.level = ("attainable floor", run.floor.value) if run is not None and run.floor.known else None
        self.panel.fill(self.buttons, [self._row(suspect) for suspect in suspects(report)])
        self.code.value = "".join(_to_write(f.name, *fixing.written(self._shell, report, f)) for f in report.alarms if f.fix.code)
        self._draw()

    @property
    def _shell(self) -> Any:
        return self.runner.request.spoken.session.shell

    def _row(self, suspect: Suspect) -> Any:
        button = self.panel.button(f"Try this fix: {suspect.name}", functools.partial(self._try, suspect))
        centred = self.panel.made.Layout(align_items="center")
        return self.panel.made.HBox([button, self.panel.text(look.line(suspect.told))], layout=centred)

    def _try(self, suspect: Suspect) -> None:
        """Draw the curve of the cured copy: as it was seen, or else by running it now."""
        if suspect.run is not None:
            self.panel.say(self._added(suspect))
        else:
            self.runner.work.begin(lambda: self._tried(suspect))

    def _tried(self, suspect: Suspect) -> str:
        report, said = self.runner.followed(self.runner.request.reports(self.runner.asked, causes=(suspect.name,)))
        found = next((one for one in suspects(report) if one.name == suspect.name and one.run is not None), None) if report else None
        if found is not None:
            return self._added(found)
        missed = "; ".join(report.not_examined) if report is not None else ""
        return missed or (said if report is None or report.stopped else f"{suspect.name}: its cure has nothing to repair here.")

    def _added(self, suspect: Suspect) -> str:
        if suspect.run.losses:
            self.curves[suspect.label] = suspect.run.losses
        self._draw()
        return f"{'OK' if suspect.run.passed else 'FAIL'}: {suspect.label}, {suspect.run.told()}."

    def _draw(self) -> None:
        told = f"The loss on one batch {', '.join(self.curves)}"
        self.figure.value = look.card(Figure(told, dict(self.curves), self.level).as_html()) if self.curves else ""


def suspects(report: Report) -> list[Suspect]:
    """What can be tried: the findings with a cure, and what was ruled out by one."""
    found = [
        Suspect(f.name, f.fix.sentence or f.check.title, f"with {f.fix.done or f.name + ' cured'}", f.cured)
        for f in report.findings
        if f.evidence.cure is not None
    ]
    return [*found, *(Suspect(r.name, f"Ruled out: {r.because}", r.because.partition(",")[0], r.cured) for r in report.ruled_out)]


def _to_write(name: str, text: str, runs: bool) -> str:
    """The cell that repairs the program, to be written below or copied; or the line to change, where it stands in a function of theirs."""
    button = look.button(f"Write the fix below: {name}", fixing.COMMAND, fixing.insert(text))
    above = f"<p>{button} {look.hint(_COPY)}</p>" if runs else ""
    return look.card(f"{above}<pre><code>{html.escape(text)}</code></pre>")
