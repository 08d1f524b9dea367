"""What dldebug remembers between two cells: words only. It holds no object of the user's, so it keeps none alive and none goes stale."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from ..ask import experiment_of
from .shown import Shown

if TYPE_CHECKING:
    from ..engine.report import Report


@dataclasses.dataclass(frozen=True)
class Answer:
    """How an experiment ended."""

    ok: bool
    sentence: str


@dataclasses.dataclass
class Session:
    """`kept`: what `%subject` named, an expression for each field. `asked`: the last answer of each experiment."""

    shell: Any
    kept: dict[str, str] = dataclasses.field(default_factory=dict)
    asked: dict[str, Answer] = dataclasses.field(default_factory=dict)
    shown: Shown = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.shown = Shown(self.shell)

    def record(self, name: str, report: Report) -> None:
        """Keep the verdict for `%dldebug`; that of a climb is kept for each experiment it made."""
        self.asked[name] = Answer(report.ok, report.sentence())
        for stage, rung in getattr(report.experiment, "rungs", ()):
            self.record(experiment_of(stage), rung)
