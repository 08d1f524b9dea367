"""Proof by cure: each suspect's fix is run on a borrowed copy, same seed, same batch, all else equal.

A cured run that passes where the uncured did not makes its suspect the cause. Cures race against the uncured run: one that is no better
after a third of the steps is given up. Suspects in the program's structure go before hyperparameters, the gentler change before the
harsher. Where no single cure repairs the run, `second_look` goes on.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator

from .deadline import TimeSpent, in_time
from .evidence import Confidence, Finding, Severity
from .measure import Lends
from .report import RuledOut, Tried
from .run import Run
from .subject import Subject
from .suspect import NotCured, Suspect, Trial

Rerun = Callable[[Subject, Run | None], Iterator[Run]]  # of a cured subject, and the run that it races
_BETTER = 0.5  # of the uncured excess: an improvement that makes a suspect likely
_SOONER = 0.25  # of the uncured steps: what a cure must come down to where the batch is memorised without it, too
_LONG = 60  # steps: a shorter run is quick enough


class Proof:
    """Tries cures until one repairs the run. Iterate over it for progress; then read `findings`, `ruled_out` and `not_tried`."""

    def __init__(self, lender: Lends, run: Run, rerun: Rerun, deadline: float, *, most: int = 1):
        self.lender, self.uncured, self.rerun, self.deadline, self.most = lender, run, rerun, deadline, most
        self.trials: list[Trial] = []
        self.not_tried: list[str] = []
        self.steps = 0

    @property
    def repaired(self) -> list[Trial]:
        """The trials whose run passed, and is clearly better than the uncured one."""
        return [t for t in self.trials if t.run is not None and t.run.passed and self._better(t, len(t.run.losses))]

    def _better(self, trial: Trial, steps: int) -> bool:
        """Far lower where the uncured run failed; where it passed, there in a fraction of its steps, unless it is a fault in any case."""
        if not self.uncured.passed:
            return trial.excess < _BETTER * self.uncured.excess
        needed = len(self.uncured.losses)
        return any(s.evidence.always for s in trial.suspects) or (needed >= _LONG and steps <= _SOONER * needed)

    def of(self, suspects: list[Suspect]) -> Iterator[Run]:
        """Run the cures, the most believable first."""
        asked = [s for s in suspects if s.evidence.cure is not None and self._worth_a_run(s)]
        curable = sorted(asked, key=lambda s: s.rank)
        for suspect in curable:
            if self._enough(suspect):
                continue
            yield from self._try(suspect)

    def _enough(self, suspect: Suspect) -> bool:
        """Whether what repaired the run is believed before this suspect, or is as many changes as were asked for."""
        if self.most > 1:
            return len(self.repaired) >= self.most
        return any(t.suspects[0].rank <= suspect.rank for t in self.repaired)

    def _worth_a_run(self, suspect: Suspect) -> bool:
        """Whether its cure could change the verdict."""
        slow = suspect.evidence.eases and len(self.uncured.losses) >= _LONG
        return suspect.evidence.always or slow or not self.uncured.passed

    def _try(self, suspect: Suspect) -> Iterator[Run]:
        name = suspect.check.name
        if time.monotonic() > self.deadline:
            self.not_tried.append(f"the cure of {name}: the time budget was spent")
            return
        trial = Trial((suspect,))
        try:
            with self.lender.lend() as lent:
                lent = suspect.cured(dataclasses.replace(lent, deadline=self.deadline))
                for trial.run in self.rerun(lent, self.uncured):
                    yield trial.run
                    in_time(lent)
                    if self.uncured.passed and not self._better(trial, len(trial.run.losses)):
                        break  # no sooner than without it
        except NotCured as error:  # nothing was run; the report says why
            self.not_tried.append(f"the cure of {name}: {error}")
            return
        except TimeSpent:  # a run that was cut short clears nobody
            self.steps += len(trial.run.losses) if trial.run is not None else 0
            trial.run = None
            self.not_tried.append(f"the cure of {name} to its end: the time budget was spent")
        self.steps += len(trial.run.losses) if trial.run is not None else 0
        self.trials.append(trial)

    def findings(self, suspects: list[Suspect]) -> list[Finding]:
        """What the trials proved, most certain first."""
        found: list[Finding] = []
        for trial in self.repaired if self.most == 1 or self.uncured.passed else self.repaired[:1]:
            names = tuple(s.check.name for s in trial.suspects)
            for s in trial.suspects:
                others = tuple(name for name in names if name != s.check.name)
                sure = s.evidence.confidence if self.uncured.passed else Confidence.PROVEN
                found.append(Finding(s.check, s.evidence, sure, trial.run, others))
        proven = {f.name for f in found}
        for suspect in suspects:
            if suspect.check.name not in proven and self._stands(suspect, bool(found)):
                found.append(Finding(suspect.check, suspect.evidence, suspect.evidence.confidence))
        return _best_of_each(found)

    def _stands(self, suspect: Suspect, explained: bool) -> bool:
        """Whether a suspect whose cure did not repair the run is reported all the same."""
        if suspect.evidence.always:
            return True
        if explained or self.uncured.passed or not self.uncured.decided or suspect.evidence.confidence is Confidence.HINT:
            return False
        if suspect.evidence.cure is None:
            return True
        trials = [t for t in self.trials if t.suspects == (suspect,) and (t.told or self.uncured.crash is not None)]
        return not trials or trials[0].excess < _BETTER * self.uncured.excess

    def tried(self) -> tuple[Tried, ...]:
        """The changes made on copies, where more than one is looked for: first those that repaired the run."""
        if self.most == 1:
            return ()
        repaired = [id(trial) for trial in self.repaired]
        ranked = sorted(self.trials, key=lambda trial: id(trial) not in repaired)
        return tuple(trial.written(id(trial) in repaired) for trial in ranked)

    def ruled_out(self, findings: list[Finding]) -> list[RuledOut]:
        """The suspects that the trials cleared, each once; whose change makes the program run is not cleared, though another is named."""
        named = {f.name for f in findings} | {s.check.name for trial in self.repaired for s in trial.suspects}
        cleared: dict[str, RuledOut] = {}
        for trial in self.trials:
            name = trial.suspects[0].check.name
            if len(trial.suspects) == 1 and name not in named and (trial.told or self.uncured.crash is not None):
                cleared.setdefault(name, RuledOut(name, trial.outcome(), trial.run))
        return list(cleared.values())


def _best_of_each(findings: list[Finding]) -> list[Finding]:
    """One finding a check: the most certain; in the order of certainty, structure first, and notes behind all that is wrong."""
    certainty, note = list(Confidence), Severity.NOTE
    best: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda f: (f.severity is note, certainty.index(f.confidence), f.check.hyperparameter)):
        best.setdefault(finding.name, finding)
    return list(best.values())
