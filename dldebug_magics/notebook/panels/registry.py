"""The panels that are alive: at most one a cell. A cell that is run again closes the one that it had."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...engine.errors import UserMistake
from ..names import Names
from . import builder

if TYPE_CHECKING:
    from ...engine.report import Report
    from ..session import Session
    from ..spoken import Spoken
    from .panel import Panel

_WATCHED = {"training_loop": "watch"}  # what is seen while a cell runs has the panel of the magic above that cell


class Panels:
    """Opens panels and closes them. `always`: below every answer, where there can be one, without a word where there can't."""

    def __init__(self, session: Session):
        self.session = session
        self.live: dict[str, Panel] = {}
        self.always = False

    def needed(self) -> None:
        """A `UserMistake` where there can be no panel; nothing is imported."""
        lack = self._lack()
        if lack is not None:
            raise lack

    def wanted(self, asked: bool, quiet: bool) -> bool:
        """Whether an answer gets a panel: where its line asks for one, which is told what lacks; or where all get one that are shown."""
        if asked:
            self.needed()
        return asked or (self.always and not quiet and self._lack() is None)

    def open(self, spoken: Spoken, line: str, names: Names, report: Report | None) -> Panel:
        """Open the panel of an experiment, as asked with that line, below what the running cell has shown."""
        from .request import Request

        return self.filled(spoken.name, lambda panel: builder(spoken.name)(panel, Request(spoken, line, names), report))

    def filled(self, name: str, fill: Callable[[Panel], Any]) -> Panel:
        """Open a panel for the magic of that name; `fill` fills it."""
        self.needed()
        from .panel import Panel

        shell = self.session.shell
        sign = "%%" if name in _WATCHED.values() else "%"
        cell, panel = _cell(shell), Panel(f"Panel of {sign}{name}")
        if cell in self.live:
            self._replaced(self.live.pop(cell))
        panel.execution = shell.execution_count
        fill(panel)
        self.live[cell] = panel
        panel.show()
        self.session.shown.remember(panel)
        return panel

    def of(self, report: Report) -> Panel:
        """Open the panel for a report: with the line that asked for it, else with what the notebook has now."""
        from ... import ask
        from ..spoken import Spoken

        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(report.experiment).__name__).lower()
        name = _WATCHED.get(name, name)
        if name not in (*ask.names(), *_WATCHED.values()):
            raise UserMistake("this report is of no experiment that has a panel", do=f"the experiments are {', '.join(ask.names())}")
        asked, _, line = report.asked.partition(" ")
        return self.open(Spoken(name, self.session), line if asked == f"%{name}" else "", Names(self.session.shell.user_ns), report)

    def recorded(self) -> None:
        """The notebook has got an answer: whoever shows the answers, shows it."""
        for panel in [panel for panel in self.live.values() if not panel.closed]:
            panel.guarded(panel.recorded)()

    def _lack(self) -> UserMistake | None:
        """Why there can be no panel."""
        if getattr(self.session.shell, "kernel", None) is None:
            return UserMistake("a panel needs a notebook, and this is a terminal", do="leave --panel out")
        if importlib.util.find_spec("ipywidgets") is None:
            return UserMistake("a panel needs ipywidgets, which is not installed", do="%pip install ipywidgets")
        return None

    def _replaced(self, former: Panel) -> None:
        """Close a cell's former panel; one that this same run of the cell has opened stays as HTML."""
        if former.execution == self.session.shell.execution_count:
            former.freeze()
        former.close()

    def close(self) -> None:
        """Close all."""
        while self.live:
            self.live.popitem()[1].close()


def _cell(shell: Any) -> str:
    """What marks the running cell: its id where the front end sends one, else its text."""
    parent = shell.kernel.get_parent()
    return str((parent.get("metadata") or {}).get("cellId") or (parent.get("content") or {}).get("code", ""))
