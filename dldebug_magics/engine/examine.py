"""The one verb: measure what the checks read, each thing once, ask the checks, prove the suspects by their cures, report.

It is a generator of ever fuller reports, so that a notebook can show progress; the last is complete. Stopped half-way it restores
everything, yields what it has, and lets the interrupt go on.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch

from . import ambient
from .batch import SIZE, draw
from .borrow import Lender
from .check import Check
from .errors import UserMistake
from .fingerprint import changed, fingerprint
from .nested import copied
from .observation import Observation, reads
from .prove import Proof, Suspect
from .report import Report
from .subject import Subject

Kind = type[Observation]


def examine(subject: Subject, experiment: Kind, checks: Iterable[Check], *, budget: float = 60.0, **options: Any) -> Iterator[Report]:
    """Do one experiment, and find out why it failed if it did.

    budget: seconds in all; the experiment itself gets at most half of them, and no cure is begun or goes on when they are spent.
    """
    began, before = time.monotonic(), fingerprint(subject)
    examination = _Examination(frozen(subject, options.get("size", SIZE)), experiment, list(checks), options, began, budget)

    def ended(stopped: str = "") -> Report:
        left = changed(before, fingerprint(subject))
        return dataclasses.replace(examination.report(), stopped=stopped, untouched=not left, left_behind=left)

    try:
        yield from examination.run()
    except KeyboardInterrupt:
        yield ended(f"by you, after {time.monotonic() - began:.1f} s")
        raise
    yield ended()


@dataclasses.dataclass
class _Examination:
    """One call of `examine`: its memo lives no longer."""

    subject: Subject
    experiment: Kind
    checks: list[Check]
    options: dict[str, Any]
    began: float
    budget: float
    observed: dict[Kind, Observation] = dataclasses.field(default_factory=dict)
    asked: set[Kind] = dataclasses.field(default_factory=set)
    not_examined: list[str] = dataclasses.field(default_factory=list)
    suspects: list[Suspect] = dataclasses.field(default_factory=list)
    proof: Proof | None = None

    def run(self) -> Iterator[Report]:
        """Measure, ask, prove; a report after each bit of news."""
        lender = Lender(self.subject)
        yield from self._measure(self.experiment, lender, self.options)
        run: Any = self.observed[self.experiment]
        for kind in dict.fromkeys(kind for check in self.checks for kind in check.reads.values()):
            yield from self._measure(kind, lender, {})
        self.suspects = [Suspect(check, evidence) for check in self.checks for evidence in check(self.observed)]
        self.proof = Proof(lender, run, self._rerun, self.began + self.budget)
        for attempt in self.proof.of(self.suspects):
            yield self.report(f"trying cures ({len(self.proof.trials) + 1}): {_line(attempt)}")

    def _measure(self, kind: Kind, lender: Lender, options: dict[str, Any]) -> Iterator[Report]:
        if kind in self.asked:
            return
        self.asked.add(kind)
        needed = reads(kind.measure)
        for need in needed.values():
            yield from self._measure(need, lender, {})
        if not self.observed.keys() >= set(needed.values()):
            return  # what it would look at was not to be seen
        share, needs = 0.5 if kind is self.experiment else 1.0, {name: self.observed[need] for name, need in needed.items()}
        try:
            with lender.lend() as lent:
                for seen in kind.measure(lent, **needs, **options):
                    self.observed[kind] = seen
                    yield self.report(_line(seen))
                    if time.monotonic() > self.began + share * self.budget:
                        self.not_examined.append(f"{kind.__name__} to its end: its share of the time was spent")
                        break
        except UserMistake:
            raise
        except Exception as error:  # a look that can't be had costs its checks, not the report, which says so
            if kind is self.experiment:
                raise
            said = "the program crashed before" if self._crashed else f"{type(error).__name__}: {error}".splitlines()[0]
            self.not_examined.append(f"{kind.__name__}: {said}")

    @property
    def _crashed(self) -> bool:
        return getattr(self.observed.get(self.experiment), "crash", None) is not None

    def _rerun(self, cured: Subject) -> Iterator[Any]:
        """The same experiment on a cured copy, given up once it loses its race with the uncured run."""
        uncured: Any = self.observed[self.experiment]
        for seen in self.experiment.measure(cured, **self.options):
            yield seen
            if seen.loses_to(uncured):  # type: ignore[attr-defined]
                return

    def report(self, progress: str = "") -> Report:
        """What is known so far."""
        run: Any = self.observed.get(self.experiment)
        findings = self.proof.findings(self.suspects) if self.proof is not None else []
        steps = len(getattr(run, "losses", ())) + (self.proof.steps if self.proof is not None else 0)
        missed = [*self.not_examined, *(self.proof.not_tried if self.proof is not None else [])]
        ruled_out = self.proof.ruled_out(findings) if self.proof is not None else []
        seconds = time.monotonic() - self.began
        return Report(run, tuple(findings), tuple(ruled_out), tuple(missed), seconds, steps, progress=progress)


def frozen(subject: Subject, size: int = SIZE) -> Subject:
    """The subject with one small batch drawn from its training data, on the model's device; nothing of the user's is consumed."""
    if subject.batch is not None:
        return subject
    with ambient.restored(subject):
        return dataclasses.replace(subject, batch=copied(draw(subject, size), device_of(subject)))


def device_of(subject: Subject) -> torch.device | None:
    """Where the model lives: the device of its first parameter or buffer; None where it has neither."""
    first = next(iter([*subject.model.parameters(), *subject.model.buffers()]), None)
    return None if first is None else first.device


def _line(seen: object) -> str:
    return getattr(seen, "line", str)() if hasattr(seen, "line") else f"looking at {type(seen).__name__}"
