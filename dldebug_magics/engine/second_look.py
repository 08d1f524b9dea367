"""Two faults at once: no single cure repairs the run, so the first is cured, and the cured copy is looked at again.

One fault often hides the other: behind a crash nothing is seen, and no rate helps a network whose units are dead. So the second fault is
not guessed at beside the first; the program without the first is measured and asked anew, and its suspects are tried on top of that cure.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Iterator

from .check import Check
from .deadline import TimeSpent
from .evidence import Confidence
from .measure import Kind, Lends, Measured
from .prove import Proof
from .run import Run
from .subject import Subject
from .suspect import Suspect, Trial

_MOST = 3  # first cures behind which a second fault is looked for


class Changed:
    """Lends the program with something changed first: a fault cured, or what the user's options ask for."""

    def __init__(self, lender: Lends, change: Callable[[Subject], Subject]):
        self.lender, self.change = lender, change

    @contextlib.contextmanager
    def lend(self) -> Iterator[Subject]:
        """A loan of the lender's own, with the change made."""
        with self.lender.lend() as lent:
            yield self.change(lent)


def second_look(proof: Proof, checks: list[Check], experiment: Kind) -> Iterator[Run]:
    """Where no cure alone repaired the run, try a second one behind the most promising first ones; what repairs it joins the trials."""
    if proof.repaired or proof.uncured.passed or not proof.uncured.decided:
        return
    for trial in promising(proof)[:_MOST]:
        (first,) = trial.suspects
        lender = Changed(proof.lender, first.evidence.cure)  # type: ignore[arg-type]
        run = yield from _whole(trial, lender, proof)
        measured = Measured(lender, experiment, {experiment: run})
        for _ in measured.for_checks(checks, proof.deadline):
            pass
        again = Proof(lender, run, proof.rerun, proof.deadline)
        yield from again.of(_seconds(first, measured.suspects(checks)))
        proof.steps += again.steps
        proof.not_tried += [f"{line} (behind {first.check.name})" for line in again.not_tried]
        if again.repaired:
            found = again.repaired[0]
            proof.trials.append(Trial((first, *found.suspects), found.run))
            return


def _whole(trial: Trial, lender: Changed, proof: Proof) -> Generator[Run, None, Run]:
    """The cured run to its end: one that lost its race was cut short, and a curve that was cut short tells the checks little."""
    run: Run = trial.run  # type: ignore[assignment]
    if run.decided:
        return run
    with contextlib.suppress(TimeSpent), lender.lend() as lent:
        for run in proof.rerun(dataclasses.replace(lent, deadline=proof.deadline), None):
            yield run
    proof.steps += len(run.losses)
    return run


def promising(proof: Proof) -> list[Trial]:
    """The trials to build on: direct evidence first, then structure, then what its cure gained."""
    told = [t for t in proof.trials if t.run is not None and _news(t.run, proof.uncured)]
    return sorted(told, key=lambda t: (t.suspects[0].evidence.confidence is Confidence.HINT, t.suspects[0].check.hyperparameter, t.excess))


def _news(run: Run, uncured: Run) -> bool:
    """Whether a cured run ended otherwise than in the same crash."""
    return run.crash is None or getattr(run.crash, "message", "") != getattr(uncured.crash, "message", None)


def _seconds(first: Suspect, found: list[Suspect]) -> list[Suspect]:
    """The suspects that can be tried behind the first. Two hints explain nothing: one of the two must have direct evidence."""
    curable = [s for s in found if s.check is not first.check and s.evidence.cure is not None]
    hint = first.evidence.confidence is Confidence.HINT
    return [s for s in curable if not (hint and s.evidence.confidence is Confidence.HINT)]
