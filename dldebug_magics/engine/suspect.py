"""A suspect, and the trial of one or two of them: whose cure was run, and what came of it."""

from __future__ import annotations

import dataclasses
import math

from .check import Check
from .evidence import Confidence, Evidence
from .report import Tried
from .run import Run
from .subject import Subject


class NotCured(Exception):
    """A cure that could not be made: no memory on the device, a tensor without numbers."""


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A check and one of its pieces of evidence."""

    check: Check
    evidence: Evidence

    @property
    def rank(self) -> tuple[bool, int]:
        """What is believed first: structure before hyperparameters, then the stronger evidence."""
        return self.check.hyperparameter, list(Confidence).index(self.evidence.confidence)

    def cured(self, lent: Subject) -> Subject:
        """The cure, made on a loan; `NotCured` where it can't be made."""
        try:
            return self.evidence.cure(lent)  # type: ignore[misc]
        except Exception as error:
            raise NotCured(f"{type(error).__name__}: {error}".splitlines()[0]) from error

    @property
    def kind(self) -> str:
        """What its cure changes: two rates are one kind."""
        return getattr(self.evidence.cure, "__qualname__", "")


@dataclasses.dataclass
class Trial:
    """Suspects whose cures were applied together, and the run that followed."""

    suspects: tuple[Suspect, ...]
    run: Run | None = None

    @property
    def excess(self) -> float:
        """How far the cured run is from passing; infinite where it did not begin."""
        return math.inf if self.run is None else self.run.excess

    @property
    def told(self) -> bool:
        """Whether the trial says anything: a copy that crashes under a cure clears nobody."""
        return self.run is not None and self.run.crash is None

    def written(self, repaired: bool) -> Tried:
        """The change that was made, for the report."""
        return Tried(
            " and ".join(s.check.name for s in self.suspects),
            " ".join(s.evidence.fix.sentence for s in self.suspects),
            "\n".join(s.evidence.fix.code for s in self.suspects),
            repaired,
            "there was no time" if self.run is None else self.run.told(),
        )

    def outcome(self) -> str:
        """What the cure changed, and what happened then."""
        done = self.suspects[0].evidence.fix.done or "its cure"
        return f"with {done}, {self.run.told() if self.run is not None else 'there was no time'}"
