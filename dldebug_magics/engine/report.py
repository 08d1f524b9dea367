"""The one result type: what was observed, what was found and proven, what it is not, and what it cost."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from ..document import Block, as_html, as_text
from .correction import Correction, Source, corrections, put
from .evidence import Finding, Severity
from .face import face
from .observation import Observation
from .run import Run


@dataclasses.dataclass(frozen=True)
class RuledOut:
    """A suspect that the experiment cleared, what happened with its cure, and the run of the cured copy."""

    name: str
    because: str
    cured: Run | None = None


@dataclasses.dataclass(frozen=True)
class Tried:
    """A change that was made on a copy: of which suspect, the sentence and the code, whether the copy ran, and what it did."""

    name: str
    change: str
    code: str
    runs: bool
    outcome: str


@dataclasses.dataclass(frozen=True)
class Report:
    """What a magic returns. Findings stand most certain first; `ok` is for asserts; `untouched` is the checked promise (None: not yet).

    Shown in a notebook by `_repr_html_`, in a terminal by `repr`; `to_dict` and `to_frame` for programs; `code()` for the changed lines.
    What else an experiment lends its reports is in its `exports`. `asked` is the line of the magic that asked, for its panel.
    """

    experiment: Observation | None = None
    findings: tuple[Finding, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    not_examined: tuple[str, ...] = ()
    seconds: float = 0.0
    steps: int = 0
    untouched: bool | None = None
    left_behind: tuple[str, ...] = ()
    stopped: str = ""
    progress: str = ""
    said: tuple[str, ...] = ()
    tried: tuple[Tried, ...] = ()
    sources: tuple[Source, ...] = ()
    asked: str = ""

    @property
    def ok(self) -> bool:
        """True when the experiment passed, or went as far as the program allows, and nothing worse than a note was found."""
        passed = getattr(self.experiment, "passed", True) or getattr(self.experiment, "settled", False)
        return passed and not self.stopped and not self.alarms

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that say that something is wrong: all but the notes."""
        return tuple(f for f in self.findings if f.severity is not Severity.NOTE)

    def code(self) -> str:
        """The changed lines of the findings, in the user's own names.

        >>> Report().code()
        ''
        """
        return "\n".join(f.fix.code for f in self.findings if f.fix.code)

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """The user's own source with the surest fixes made in it, where these are certain to the letter."""
        return corrections(self.findings, self.sources)

    @property
    def diff(self) -> str:
        """The changed lines of the user's own source as a unified diff; empty where there are none.

        >>> Report().diff
        ''
        """
        return "\n".join(correction.diff for correction in self.corrections)

    def apply(self) -> None:
        """Put the corrected cell below, or the lines of the fixes, to be run. A `UserMistake` says what to change where that can't be."""
        if self.asked and not self.corrections:
            face().write(self)
        else:
            put(self.corrections)

    def panel(self) -> Any:
        """Open the experiment's panel below: its options as controls, to try changes in. Only where the magics are loaded."""
        return face().panel(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: verdict, findings with facts and fixes, what was ruled out, and the cost."""
        from .plain import as_dict

        return as_dict(self)

    def to_frame(self) -> Any:
        """The findings as a pandas DataFrame, a row each."""
        from .plain import as_frame

        return as_frame(self)

    def __getattr__(self, name: str) -> Any:
        """What can be done with the reports of this experiment alone, such as `to_csv` with that on a watched loop."""
        experiment = vars(self).get("experiment")
        export = getattr(experiment, "exports", {}).get(name)
        if export is None:
            raise AttributeError(f"a report on {type(experiment).__name__} has no `{name}`")
        return functools.partial(export, experiment)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *getattr(self.experiment, "exports", ())})

    def sentence(self) -> str:
        """The verdict in one sentence: what happened, why, and the proof."""
        return getattr(self.experiment, "sentence", lambda findings: "Nothing was observed.")(self.alarms)

    def document(self) -> tuple[Block, ...]:
        """The whole report as blocks."""
        from .wording import report_blocks

        return report_blocks(self)

    def __repr__(self) -> str:
        return as_text(self.document())

    def _repr_html_(self) -> str:
        return as_html(self.document())
