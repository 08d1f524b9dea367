"""The ladder climbed: what each rung that was reached had to say. The rungs are handed in; this room knows neither checks nor the verb."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Generator, Iterable
from typing import ClassVar

from ..document import Block, Details, Heading, Table
from ..engine.evidence import Finding
from ..engine.interrupts import relayed
from ..engine.observation import Observation
from ..engine.report import Report

Rung = tuple[str, Callable[[float], Generator[Report, None, None]]]  # a stage, and its examination within so many seconds
_LEAST = 0.5  # seconds: with less a rung is not begun


@dataclasses.dataclass(frozen=True)
class Diagnose(Observation):
    """Climb the guide's ladder from one small batch to the loaders, and say why your model does not learn.

    Asks every stage that is here, cheapest first, within one budget. Above a stage where a cause was found nothing is examined, because a
    model that can't memorise one batch says nothing about its data; --all goes on all the same, as it does where only a rate or another
    number was wrong, which the data may ask for. What a trained model is worth is asked by %bias_variance. Nothing of yours changes.

    Examples:
        %diagnose net loss_fn optimizer train_loader --val val_loader
        %diagnose net loss_fn optimizer train_loader --budget 20
        report = %diagnose net --all --quiet

    Source: Full Stack Deep Learning, troubleshooting guide: the decision tree from "start simple" upwards.
    """

    stage: ClassVar[str] = "all"

    rungs: tuple[tuple[str, Report], ...] = ()
    not_reached: tuple[str, ...] = ()

    @classmethod
    def measure(cls, rungs: Iterable[Rung], budget: float, *, all: bool = False) -> Generator[Diagnose, None, None]:  # type: ignore[override]
        """Climb; yields what is known so far.

        all: go on above a stage where a cause was found.
        """
        began, climbed = time.monotonic(), cls()
        for stage, examination in rungs:
            left = budget - (time.monotonic() - began)
            broken = next((name for name, report in climbed.rungs if any(not f.check.hyperparameter for f in report.alarms)), None)
            if broken is not None and not all:
                climbed = climbed.without(f"the stage {stage}: first repair what {broken} found, or go on with --all")
            elif left < _LEAST:
                climbed = climbed.without(f"the stage {stage}: the time budget was spent")
            else:
                climbed = (yield from relayed(examination(left), functools.partial(climbed.and_then, stage))) or climbed
        yield climbed

    def and_then(self, stage: str, report: Report) -> Diagnose:
        """With one more rung."""
        return dataclasses.replace(self, rungs=(*self.rungs, (stage, report)))

    def without(self, line: str) -> Diagnose:
        """With one more rung that was not climbed, and why."""
        return dataclasses.replace(self, not_reached=(*self.not_reached, line))

    @property
    def passed(self) -> bool:
        """Whether every rung that was climbed holds."""
        return all(report.ok for _, report in self.rungs)

    def report(self) -> Report:
        """All rungs as one report: what is wrong in the order of the ladder, then the notes."""
        reports = [report for _, report in self.rungs]
        alarms = [finding for report in reports for finding in report.alarms]
        notes = [finding for report in reports for finding in report.findings if finding not in report.alarms]
        last = reports[-1] if reports else Report()
        return Report(
            self,
            findings=(*alarms, *notes),
            ruled_out=tuple(cleared for report in reports for cleared in report.ruled_out),
            not_examined=(*(line for report in reports for line in report.not_examined), *self.not_reached),
            seconds=sum(report.seconds for report in reports),
            steps=sum(report.steps for report in reports),
            untouched=None if any(r.untouched is None for r in reports) else all(r.untouched for r in reports),
            left_behind=tuple(thing for report in reports for thing in report.left_behind),
            stopped=last.stopped,
            progress=f"{self.rungs[-1][0]}: {last.progress}" if reports else "",
        )

    def sentence(self, findings: tuple[Finding, ...] = ()) -> str:
        """The verdict of the first rung that does not hold; of each where all do."""
        told = [(stage, report) for stage, report in self.rungs if not report.ok][:1] or self.rungs
        return " ".join(f"{_capital(stage)}: {report.sentence()}" for stage, report in told) or "Nothing was observed."

    def document(self, findings: tuple[Finding, ...] = ()) -> tuple[Block, ...]:
        """The ladder as a table, then what each rung saw: what is broken first, what holds folded."""
        rows = [(stage, "holds" if report.ok else "broken", report.sentence(), f"{report.seconds:.1f}") for stage, report in self.rungs]
        found: list[Block] = [Table("The ladder, as far as it was climbed", ("stage", "", "verdict", "seconds"), rows)]
        for stage, report in sorted(self.rungs, key=lambda rung: rung[1].ok):
            if report.experiment is not None:
                seen, title = report.experiment.document(report.alarms), f"What the stage {stage} saw"  # type: ignore[call-arg]
                found += [Details(f"{title} (it holds)", seen)] if report.ok else [Heading(title, level=4), *seen]
        return tuple(found)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
