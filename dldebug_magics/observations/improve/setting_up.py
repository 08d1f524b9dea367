"""The pilots of one experiment: their data and rungs, what is asked of which remedies, and what is to be said of how they were run."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy

from ...engine.deadline import TimeSpent
from ...engine.errors import UserMistake
from ...engine.remedy import Change, NotPiloted, Remedy
from ...engine.subject import Subject
from ...instruments.pilots.data import held_out, pilot_data
from ...instruments.pilots.reading import affordable
from ..bias_variance import BiasVariance
from .arms import AS_IT_IS, Arm, said
from .choosing import Chosen, listed, picked
from .experiment import Candidate, Experiment
from .results import MORE_DATA, Setting, Untried
from .rounds import LATE
from .run import Pilots

_SHARE = 0.3  # of the time, for reading what runs are trained and judged on


@dataclasses.dataclass(frozen=True)
class Options:
    """What the user asked for."""

    only: str
    seeds: int
    passes: int
    samples: int

    def __post_init__(self) -> None:
        for name, least in (("seeds", 2), ("passes", 0), ("samples", 2)):
            if getattr(self, name) < least:
                raise UserMistake(f"{name} is {getattr(self, name)}", expected=f"{least} or more")


def sources(subject: Subject, seen: BiasVariance, choice: Chosen) -> dict[str, Any]:
    """The splits that are looked at, by rung."""
    return {rung.role: getattr(subject, rung.given) for rung in seen.levels if rung.role in choice.roles} | {"train": subject.train}


def set_up(subject: Subject, seen: BiasVariance, choice: Chosen, asked: Options) -> Experiment:
    """The experiment, ready to run."""
    variance = "variance" in choice.rooms
    only = picked(asked.only)
    remedies = listed(choice.rooms, only, (MORE_DATA,) if variance else ())
    with_curve = variance and (not only or MORE_DATA in only)
    splits = sources(subject, seen, choice)
    seconds = _SHARE * min(subject.deadline - time.monotonic(), 1e6) / len(splits)
    limits = {role: affordable(source, asked.samples, seconds) for role, source in splits.items()}
    data = pilot_data(subject.train, limits["train"], subject.seed)
    rungs = {"train": data.evaluated(limits["train"], subject.seed, 1.0)}
    rungs |= {role: held_out(source, role, limits[role], subject.seed) for role, source in splits.items() if role != "train"}
    given = {rung.role: rung.given for rung in seen.levels if rung.role in rungs} | {"train": "train"}
    pilots = Pilots(subject, data, rungs, given)
    sign = -1.0 if seen.larger_is_better else 1.0
    experiment = Experiment(pilots, asked.seeds, asked.passes, with_curve, choice.judge, sign)
    for remedy, answer in _answers(experiment, remedies):
        if isinstance(answer, NotPiloted):
            experiment.untried.append(Untried(remedy.name, "", answer.why, remedy.place, answer.fits))
        else:
            name = f"{remedy.term}/{remedy.name}/{len(experiment.candidates)}"
            experiment.candidates.append(Candidate(remedy, Arm(name, answer)))
    return experiment


def _answers(experiment: Experiment, remedies: list[Remedy]) -> Iterator[tuple[Remedy, Change | NotPiloted]]:
    """What each remedy has to try here."""
    with experiment.pilots.lender.lend() as lent:
        subject = experiment.pilots.prepared(lent, 0)
        for remedy in remedies:
            try:
                answers = remedy(subject)
            except TimeSpent:
                answers = [NotPiloted(f"{LATE} before it was looked at")]
            except Exception as error:  # the user's model on a look at it: told, and never ranked
                answers = [NotPiloted(said(error))]
            yield from ((remedy, answer) for answer in answers)


def setting(experiment: Experiment) -> Setting | None:
    """How the pilots were run, as far as it is known."""
    own, data, judge = experiment.own, experiment.pilots.data, experiment.judge
    if own is None or experiment.plan is None:
        return None
    again = [run.worths[judge].value for run in experiment.runs.get(AS_IT_IS.name, {}).values()]
    return Setting(
        samples=data.samples,
        total=data.total,
        seen=experiment.plan.samples,
        wanted=experiment.wanted,
        seeds=experiment.seeds,
        judged_on=judge,
        judged_samples=own.worths[judge].samples,
        anew=experiment.pilots.anew,
        why_not_anew=experiment.why_not_anew,
        own=own.worths[judge].value,
        again=float(numpy.mean(again)) if again else math.nan,
    )


def untried(experiment: Experiment) -> tuple[Untried, ...]:
    """What was not piloted, in the guide's order, and the changes that came to nothing."""
    failed = [
        Untried(c.remedy.name, c.arm.change.what, experiment.stopped[c.arm.name], c.remedy.place)
        for c in experiment.candidates
        if c.arm.name in experiment.stopped and c.arm.name not in experiment.first and not experiment.runs.get(c.arm.name)
    ]
    if experiment.crash:
        failed = [
            Untried(c.remedy.name, c.arm.change.what, "the program as it is could not be run", c.remedy.place)
            for c in experiment.candidates
        ]
    told = [found for found in experiment.untried if found.remedy != MORE_DATA]  # what becomes of it stands with the learning curve
    return tuple(sorted([*told, *failed], key=lambda found: found.place))
