"""The panel of `%dldebug`: the guide's ladder as a map. Each rung says how it stands in this notebook; a click runs a magic of it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ... import ask
from ...engine.stage import LADDER, Stage
from .. import fixing
from ..ladder import climbable, due, in_order, next_step, typed
from ..last_error import EXPLAINS, in_words, last_exception
from ..loop_cell import watched_loop
from ..names import Names
from . import look
from .last_error import LastError
from .panel import Panel
from .request import Request
from .runner import Runner
from .work import BUSY, busy

if TYPE_CHECKING:
    from ..session import Session

_HOW = "Climb from the top. Where a stage is OK, go on to the next one; where it failed, repair that, and ask it again."
_WHOLE, _ALL_OF_IT = "diagnose", "All of it: climbs by itself, within a budget, and stops where something is wrong."
_LOOP, _WRITE = "watch", "Write %%watch below"
_WRITTEN = "the cell that the button adds below (JupyterLab, Notebook 7); elsewhere copy it, or type %%watch above your own loop"
_NO_ERROR = "No cell of this notebook has failed: there is nothing to explain."


def build(panel: Panel, session: Session) -> None:
    """Fill the panel; it follows what the notebook asks, also in other cells."""
    shown = Map(panel, session)
    panel.put(panel.text(look.line(_HOW)), shown.whole, *shown.rows, shown.next, shown.place)
    panel.recorded = shown.draw
    shown.draw()


class Map:
    """`whole` climbs it all, `rows` are the rungs, `next` says what to do, and in `place` stands what a click has run."""

    def __init__(self, panel: Panel, session: Session):
        self.panel, self.session = panel, session
        self.buttons = {name: self._button(name) for name in in_order([*ask.names(), EXPLAINS])}
        self.loop, self.told = panel.text(), panel.text()
        self.states = {rung.name: panel.text() for rung in LADDER}
        self.rows = [self._row([self._place_of(name) for name in self._here(rung)], self.states[rung.name]) for rung in LADDER]
        self.whole = self._row([self._button(_WHOLE)] if _WHOLE in ask.names() else [], self.told)
        self.next, self.place = panel.text(), panel.made.VBox()

    def draw(self) -> None:
        """Say of each rung how it stands now, and mark the next."""
        ready, asked = climbable(self.session), self.session.asked
        following = due(ready, asked)
        cell, lacking = watched_loop(self.session.kept, Names(self.session.shell.user_ns))
        self.told.value = look.rung(_ALL_OF_IT, [self._answer(_WHOLE)])
        self.loop.value = look.button(_WRITE, fixing.COMMAND, fixing.insert(cell), wide=True, primary=following == _LOOP)
        for number, rung in enumerate(LADDER, 1):
            lines = [f"{'NEXT: ' if name == following else ''}{self._state(name)}" for name in rung.magics]
            more = look.behind(f"{lacking or 'Runs as it is'}: {_WRITTEN}", cell) if _LOOP in rung.magics else ""
            self.states[rung.name].value = look.rung(f"{number}. {rung.name}: {rung.question}", lines, more, here=following in rung.magics)
        for name, button in self.buttons.items():
            button.button_style = "primary" if name == following else ""
        self.next.value = look.line(f"{next_step(ready, asked)}.", "status")

    def _button(self, name: str) -> Any:
        return self.panel.button(typed(name), functools.partial(self._run, name))

    def _here(self, rung: Stage) -> list[str]:
        return [name for name in rung.magics if name in self.buttons or name == _LOOP]

    def _place_of(self, name: str) -> Any:
        return self.loop if name == _LOOP else self.buttons[name]

    def _row(self, buttons: list[Any], told: Any) -> Any:
        made = self.panel.made
        column = made.VBox(buttons, layout=made.Layout(width="13em", flex="0 0 auto"))
        told.layout.flex = "1 1 auto"
        return made.HBox([column, told], layout=made.Layout(align_items="center"))

    def _state(self, name: str) -> str:
        """In words: asked and OK, asked and failed, not asked, or that it is not there."""
        if name in self.session.asked or name in self.buttons or name == _LOOP:
            error = in_words(last_exception(self.session.shell)) if name == EXPLAINS else ""
            waits = f" Its subject would be {error}" if error and name not in self.session.asked else ""
            return f"{self._answer(name)}{waits}"
        return f"{typed(name)} is not yet here."

    def _answer(self, name: str) -> str:
        answer = self.session.asked.get(name)
        if answer is None:
            return f"{typed(name)}: not asked."
        return f"{typed(name)}: asked, {'OK' if answer.ok else 'FAILED'}: {' '.join(answer.sentence.split())}"

    def _run(self, name: str) -> None:
        """Run a magic on what the notebook has now. Its options stand below, to run it again with others."""
        if busy():
            self.panel.say(BUSY)
        elif name == EXPLAINS and last_exception(self.session.shell) is None:
            self.panel.say(_NO_ERROR)
        else:
            runner = Runner(self.panel, self._request(name))
            self.panel.fill(self.place, [self.panel.text(look.heading(typed(name))), runner.box])
            runner.run.click()

    def _request(self, name: str) -> Request:
        from ..spoken import Spoken

        if name == EXPLAINS:
            return LastError(self.session)
        return Request(Spoken(name, self.session), "", Names(self.session.shell.user_ns))
