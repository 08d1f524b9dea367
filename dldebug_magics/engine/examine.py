"""The one verb: measure what the checks read, each thing once, ask the checks, prove the suspects by their cures, report.

It is a generator of ever fuller reports, so that a notebook can show progress; the last is complete. Stopped half-way it restores
everything, yields what it has, and lets the interrupt go on.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import torch

from . import ambient
from .batch import SIZE, _is_dataset, draw
from .borrow import Lender
from .check import Check
from .fingerprint import changed, fingerprint
from .measure import Kind, Measured
from .nested import copied
from .on_paper import Paper
from .prove import Proof, Suspect
from .report import Report
from .run import Run
from .samples import readable
from .second_look import Changed, second_look
from .subject import Subject


def examine(
    subject: Subject, experiment: Kind, checks: Iterable[Check], *, budget: float = 60.0, **options: Any
) -> Generator[Report, None, None]:
    """Do one experiment, and find out why it failed if it did.

    budget: seconds in all; the experiment itself gets at most its share of them, and no cure is begun or goes on when they are spent.
    """
    began, before = time.monotonic(), fingerprint(subject)
    budget -= time.monotonic() - began  # the look at the end that nothing has changed takes as long again
    asked = experiment.prepared(subject, **options)
    size = sys.maxsize if experiment.whole_batch else options.get("size", SIZE)
    asked = whole(asked) if experiment.on_paper else frozen(asked, size, options.get("batch", 0))
    examination = _Examination(asked, experiment, list(checks), options, began, budget)

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
    observed: dict[Kind, Any] = dataclasses.field(default_factory=dict)
    not_examined: list[str] = dataclasses.field(default_factory=list)
    suspects: list[Suspect] = dataclasses.field(default_factory=list)
    proof: Proof | None = None

    def run(self) -> Iterator[Report]:
        """Measure, ask, prove; a report after each bit of news."""
        lent = Paper(self.subject) if self.experiment.on_paper else Lender(self.subject)
        if self.subject.device and not getattr(lent, "copies", True):
            self.not_examined.append(f"{self.subject.device}: this program can't be copied, so it was examined where it is")
        lender = Changed(lent, functools.partial(self.experiment.varied, **self.options))
        deadline, seen = self.began + self.budget, Measured(lender, self.experiment, self.observed, self.not_examined)
        for line in seen.measure(self.experiment, self.began + self.experiment.of_budget * self.budget, **self.options):
            yield self.report(line)
        if self.experiment not in self.observed:
            return  # no time to begin: the report says so
        for line in seen.for_checks(self.checks, deadline):
            yield self.report(line)
        self.suspects = seen.suspects(self.checks)
        self.proof = Proof(lender, self.observed[self.experiment], self._rerun, deadline, most=self.experiment.candidates)
        for attempts in (self.proof.of(self.suspects), second_look(self.proof, self.checks, self.experiment)):
            for attempt in attempts:
                yield self.report(f"trying cures ({len(self.proof.trials) + 1}): {getattr(attempt, 'line', str)()}")

    def _rerun(self, cured: Subject, rival: Run | None) -> Iterator[Any]:
        """The same experiment on a cured copy, given up once it loses its race with the run without that cure, if it has such a rival."""
        for seen in self.experiment.measure(cured, **self.options):
            yield seen
            if rival is not None and seen.loses_to(rival):
                return

    def report(self, progress: str = "") -> Report:
        """What is known so far."""
        run = self.observed.get(self.experiment)
        findings = self.proof.findings(self.suspects) if self.proof is not None else []
        steps = getattr(run, "trained", len(getattr(run, "losses", ()))) + (self.proof.steps if self.proof is not None else 0)
        missed = [*self.not_examined, *(self.proof.not_tried if self.proof is not None else [])]
        ruled_out = self.proof.ruled_out(findings) if self.proof is not None else []
        tried = self.proof.tried() if self.proof is not None else ()
        seconds = time.monotonic() - self.began
        return Report(run, tuple(findings), tuple(ruled_out), tuple(missed), seconds, steps, progress=progress, tried=tried)


def frozen(subject: Subject, size: int = SIZE, number: int = 0) -> Subject:
    """The subject with one small batch of its training data, on the model's device: the `number`-th. Nothing of the user's is consumed."""
    if subject.batch is not None:
        return subject
    with ambient.restored(subject):
        return dataclasses.replace(subject, batch=copied(draw(subject, size, number), device_of(subject)))


def whole(subject: Subject) -> Subject:
    """The subject with a batch as its loader gives it, and one of its validation data for these. A Dataset has no batches of its own."""
    drawn = subject if subject.train is None else dataclasses.replace(subject, batch=None)
    drawn = frozen(drawn, SIZE if _is_dataset(subject.train) else sys.maxsize)
    if subject.val is None or not readable(subject.val):
        return dataclasses.replace(drawn, val=None)
    val = frozen(dataclasses.replace(subject, batch=None, train=subject.val), SIZE if _is_dataset(subject.val) else sys.maxsize)
    return dataclasses.replace(drawn, val=val.batch)


def device_of(subject: Subject) -> torch.device | None:
    """Where the model lives: the device of its first parameter or buffer; None where it has neither."""
    first = next(iter([*subject.model.parameters(), *subject.model.buffers()]), None)
    return None if first is None else first.device
