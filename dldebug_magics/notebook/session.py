"""What dldebug remembers between two cells: words only. It holds no object of the user's, so it keeps none alive and none goes stale."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from ..ask import experiment_of
from .last_error import in_words, last_exception
from .panels.registry import Panels
from .shown import Shown

if TYPE_CHECKING:
    from ..engine.report import Report


@dataclasses.dataclass(frozen=True)
class Answer:
    """How an experiment ended. `about`: the notebook's last exception then, in words."""

    ok: bool
    sentence: str
    about: str = ""


@dataclasses.dataclass
class Session:
    """`kept`: what `%subject` named, an expression for each field. `asked`: the last answer of each experiment.

    `defaults`: what `%config DLDebugMagics` set for the options of that name.
    """

    shell: Any
    kept: dict[str, str] = dataclasses.field(default_factory=dict)
    asked: dict[str, Answer] = dataclasses.field(default_factory=dict)
    defaults: dict[str, Any] = dataclasses.field(default_factory=dict)
    shown: Shown = dataclasses.field(init=False)
    panels: Panels = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.shown, self.panels = Shown(self.shell), Panels(self)

    def record(self, name: str, report: Report, about: str = "") -> None:
        """Keep the verdict for `%dldebug`; that of a climb is kept for each experiment it made. about: the exception, if not the last."""
        self.asked[name] = Answer(report.ok, report.sentence(), about or in_words(last_exception(self.shell)))
        for stage, rung in getattr(report.experiment, "rungs", ()):
            self.record(experiment_of(stage), rung)
        self.panels.recorded()
