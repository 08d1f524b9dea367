"""A box for each remedy of a term. One that no pilot can try is there too, switched off, and says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import look
from .panel import Panel

_NO_TERM = "No term was seen to be the largest beyond chance. Choose what to lower, and the remedies for it stand here."


class RemedyBoxes:
    """`box` goes into the panel. `picked` is told the names whenever a box was ticked or another term is shown."""

    def __init__(self, panel: Panel, picked: Callable[[list[str]], Any]):
        self.panel, self.picked = panel, picked
        self.box = panel.made.VBox()
        self.widgets: dict[str, Any] = {}
        self.wanted: set[str] = set()
        self.terms: dict[str, Any] = {}
        self.why: dict[tuple[str, str], str] = {}  # by a term and a remedy

    def pick(self, only: str) -> None:
        """Tick these, names with commas between them, as soon as they are shown."""
        from ...observations.improve.choosing import picked

        self.wanted = set(picked(only))

    def learn(self, seen: Any) -> list[tuple[str, str]]:
        """Take over which terms there are, and which remedies a pilot can't try; returns the choices of a term."""
        from ...observations.improve.choosing import LARGEST, ROOMS, rooms_of
        from ...observations.improve.rounds import LATE

        terms = [term for term in (seen.terms if seen is not None else ()) if rooms_of(term)]
        if terms:
            self.terms |= {room: term for term in terms for room in rooms_of(term)}
            self.terms[LARGEST] = max(terms, key=lambda term: term.value)
            if seen.dominant:
                self.terms[""] = seen.term
        if seen is not None and seen.term is not None:
            looked_at = {found.remedy for found in seen.tried} | {found.remedy for found in seen.untried}
            self.why = {key: why for key, why in self.why.items() if key[0] != seen.term.name or key[1] not in looked_at}
            tried = {found.remedy for found in seen.tried}
            off = [found for found in seen.untried if not found.change and found.remedy not in tried and not found.why.startswith(LATE)]
            self.why |= {(seen.term.name, found.remedy): found.why for found in off}
        named = {self.terms[room].name: room for room in reversed(ROOMS.values()) if room in self.terms}
        return [("the largest beyond chance", ""), ("the largest", LARGEST), *reversed(named.items())]

    def show(self, asked: str) -> None:
        """The remedies for a term, as the option `term` names it."""
        from ...observations.improve.choosing import listed, rooms_of

        term = self.terms.get(asked)
        found = {remedy.name: remedy for remedy in (listed(rooms_of(term), ()) if term is not None else ())}
        self.widgets, lacks = {}, {name: self.why.get((getattr(term, "name", ""), name), "") for name in found}
        rows = {name: self._row(name, remedy.title, lacks[name]) for name, remedy in found.items()}
        self.hint, self.none = self.panel.text(), self.panel.button("Pick none", self._none)
        above = self.panel.made.HBox([self.hint, self.none], layout=self.panel.made.Layout(align_items="center"))
        off = [rows[name] for name in found if lacks[name]]
        shown = [above, *(rows[name] for name in found if not lacks[name]), *off]
        self.panel.fill(self.box, shown)
        self.none.layout.display = None if rows else "none"
        self._told()

    def _none(self) -> None:
        for widget in self.widgets.values():
            widget.value = False
        self.panel.say("No remedy is picked.")

    def _row(self, name: str, title: str, why: str) -> Any:
        made, label = self.panel.made, name.replace("_", " ")
        wide = made.Layout(width="16em", flex="0 0 auto")
        box = made.Checkbox(value=name in self.wanted and not why, description=label, disabled=bool(why), indent=False, layout=wide)
        self.widgets[name] = self.panel.watched(box, self._told)
        said = f"Not piloted here: {why}" if why else title
        return made.HBox([box, self.panel.text(look.line(said))], layout=made.Layout(align_items="center"))

    def _told(self) -> None:
        names = [name for name, widget in self.widgets.items() if widget.value and not widget.disabled]
        self.wanted = (self.wanted - set(self.widgets)) | set(names)
        could = [name for name, widget in self.widgets.items() if not widget.disabled]
        listed = ", ".join(name.replace("_", " ") for name in names)
        some = (
            f"Only what is picked is tried, on copies: {listed}."
            if names
            else f"None is picked: all {len(could)} are tried, each on copies."
        )
        self.hint.value = look.line(some if self.widgets else _NO_TERM, "status")
        self.picked(names)
