"""What `%config DLDebugMagics` can set, and what each setting does. A wrong value is one line, and the old one stays."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from traitlets import Bool, Enum, Float, HasTraits, Int, TraitError, Unicode, validate

from .. import plot

if TYPE_CHECKING:
    from .session import Session

_DEVICE = re.compile(r"(|cpu|mps|(cuda|xpu|hpu)(:\d+)?)")
_OPTIONS = ("budget", "seed", "device")  # options that a magic's line may give another value


class Settings(HasTraits):
    """The settings, each with its meaning and its default; a magic's own line goes before them."""

    explain_errors = Bool(False, help="Explain exceptions of a model, its loss or optimizer before their traceback.").tag(config=True)
    budget = Float(60.0, help="Seconds that an answer may take, where the line has no --budget.").tag(config=True)
    seed = Int(0, help="The seed of every random number drawn, where the line has no --seed.").tag(config=True)
    device = Unicode("", help="Where copies of a model are examined, such as cuda:1. Empty: where the model is.").tag(config=True)
    theme = Enum(["auto", "light", "dark"], "auto", help="The card that pictures lie on. auto: light, which every page can show.")
    theme.tag(config=True)
    panels = Enum(["off", "on"], "off", help="on: a panel below every answer, as --panel opens it, where there can be one.")
    panels.tag(config=True)

    @validate("budget")
    def _seconds(self, proposal: Any) -> float:
        return _checked(proposal["value"], lambda value: value > 0 and math.isfinite(value), "budget", "a number of seconds above 0")

    @validate("seed")
    def _number(self, proposal: Any) -> int:
        return _checked(proposal["value"], lambda value: 0 <= value < 2**63, "seed", "a whole number of 0 or more")

    @validate("device")
    def _device(self, proposal: Any) -> str:
        return _checked(proposal["value"], lambda value: bool(_DEVICE.fullmatch(value)), "device", "cpu, cuda, cuda:1, mps, or nothing")

    def obey(self, session: Session, explaining: Callable[[bool], None]) -> None:
        """Do what is set, now and whenever that changes; explaining: turns the explanation of errors on and off."""
        explaining(self.explain_errors)
        _draw_on(self.theme)
        session.panels.always = self.panels == "on"
        self.observe(lambda change: explaining(change["new"]), "explain_errors")
        self.observe(lambda change: _draw_on(change["new"]), "theme")
        self.observe(lambda change: setattr(session.panels, "always", change["new"] == "on"), "panels")
        self.observe(lambda change: session.defaults.update({change["name"]: change["new"]}), list(_OPTIONS))
        usual = {name: self.traits()[name].default() for name in _OPTIONS}
        session.defaults.update({name: getattr(self, name) for name in _OPTIONS if getattr(self, name) != usual[name]})


def _checked(value: Any, fits: Callable[[Any], bool], name: str, wanted: str) -> Any:
    if not fits(value):
        raise TraitError(f"DLDebugMagics.{name} wants {wanted}, was given {value!r}; it stays as it was")
    return value


def _draw_on(theme: str) -> None:
    plot.card.use("light" if theme == "auto" else theme)
