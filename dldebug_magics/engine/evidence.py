"""What a check says (`Evidence`), and what stands in the report once it was tried (`Finding`).

A confidence is a word with a meaning, never a number: `proven` means that the cure repaired a run, or that it happened before our eyes.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .again import Trial
    from .check import Check
    from .edits import Edit
    from .run import Run
    from .subject import Subject


class Confidence(enum.Enum):
    """How sure a finding is, surest first."""

    PROVEN = "proven"
    LIKELY = "likely"
    HINT = "hint"


class Severity(enum.Enum):
    """How bad a finding is. A note is advice and never an alarm."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclasses.dataclass(frozen=True)
class Fact:
    """One line of evidence: what was looked at, what was seen, what a healthy program shows."""

    what: str
    seen: str
    expected: str = ""


@dataclasses.dataclass(frozen=True)
class Fix:
    """The change to make: a sentence, and the changed line in the user's own names.

    `done` completes the sentence "with ... the loss falls": what the cured copy did differently. `edits` make the change in their source;
    there are none where no change of a few lines is the whole cure.
    """

    sentence: str
    code: str = ""
    done: str = ""
    edits: tuple[Edit, ...] = ()


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What speaks for a cause. `cure` is the fix as a value: it takes a lent Subject and gives the repaired one.

    `always` marks what is a fault even where one batch can be memorised in spite of it (a layer that no optimizer holds); `eases` what
    counts as one where the batch is memorised far sooner without it (inputs of 0 to 255);
    `refuted_by` names the observation that would prove the finding wrong; `severity` is another than the check's where there is less
    of it, or more.
    """

    confidence: Confidence
    facts: tuple[Fact, ...] = ()
    where: str = ""
    fix: Fix = Fix("")
    cure: Callable[[Subject], Subject] | None = None
    always: bool = False
    eases: bool = False
    refuted_by: str = ""
    severity: Severity | None = None


@dataclasses.dataclass(frozen=True)
class Finding:
    """A check and its evidence, with the curve of the cured copy where a cure was run.

    `again`: what running the user's own loop again showed, on copies, with and without the fix.
    """

    check: Check
    evidence: Evidence
    confidence: Confidence
    cured: Run | None = None
    together_with: tuple[str, ...] = ()
    again: Trial | None = None

    @property
    def name(self) -> str:
        return self.check.name

    @property
    def severity(self) -> Severity:
        return self.evidence.severity or self.check.severity

    @property
    def where(self) -> str:
        return self.evidence.where

    @property
    def fix(self) -> Fix:
        return self.evidence.fix
