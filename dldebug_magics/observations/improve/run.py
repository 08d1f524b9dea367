"""One run of a pilot: borrow, change, begin anew, train for so many samples, change what was trained, and see what it is worth."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Generator, Iterator
from typing import Any

from ...engine.ambient import seeded
from ...engine.borrow import Lender
from ...engine.deadline import Pace, TimeSpent
from ...engine.default_optimizer import with_optimizer
from ...engine.digest import Bare, digest
from ...engine.remedy import unchanged
from ...engine.subject import Subject
from ...instruments.evaluation.passes import Asked
from ...instruments.pilots.data import PilotData, fixed
from ...instruments.pilots.loop import training
from ...instruments.pilots.worth import Worth, worth
from ..overfit_batch.training import peak
from .anew import begun_anew
from .arms import AS_IT_IS, Arm, Missed, Run, said

_MOST = 2000  # samples of a part of the data that are passed over
_PAUSE = 0.3  # seconds between two lines of progress
_OF_TARGET = ("test_val", "test")  # what a trained model is changed for: the splits like those it will meet


@dataclasses.dataclass
class Pilots:
    """Who runs pilots on copies of a lent subject, all with the same data. rungs: the batches of each rung that is looked at, by role.

    riders: what is done to each copy of the program as it is, once that is trained; what came of it is in `ridden` after each such run.
    anew: whether weights begin anew, or are the user's own. until: when (of `time.monotonic`) all must be over.
    """

    subject: Subject
    data: PilotData
    rungs: dict[str, list[Any]]
    given: dict[str, str]
    metric: Asked = None
    anew: bool = True
    until: float = math.inf
    steps: int = 0
    riders: tuple[Arm, ...] = ()
    ridden: dict[str, Run | Missed] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lender = Lender(self.subject)

    def run(self, arm: Arm, seed: int, samples: int) -> Generator[int, None, Run | Missed]:
        """One run; yields how many samples were seen now and then. It ends in time, or comes to nothing."""
        try:
            with self.lender.lend() as lent:
                return (yield from self._run(lent, arm, seed, samples))
        except TimeSpent:
            return Missed("the time was spent", late=True)
        except Exception as error:
            return Missed(said(error))

    def _run(self, lent: Subject, arm: Arm, seed: int, samples: int) -> Generator[int, None, Run | Missed]:
        began = time.monotonic()
        subject = self.prepared(lent, seed, arm.share)
        layers, own, train = _structure(subject), [] if self.anew else _weights(subject), subject.train
        subject = arm.change.before(subject)
        if subject.step is not None and subject.model is not lent.model:
            return Missed("your `step` holds its own model, so that another one can't be put in its place")
        if not set(own) <= set(_weights(subject) if own else ()):
            return Missed("it begins with new weights, and pilots begin with yours here")
        self.begin(subject, seed)
        training_began = time.monotonic()
        yield from self._trained(subject, samples := round(samples * arm.times))
        seconds = time.monotonic() - training_began
        restructured = _structure(subject) != layers or subject.train is not train
        worths = self.worths(subject, arm, seed)
        weights, beside = sum(p.numel() for p in subject.model.parameters()), time.monotonic() - began - seconds
        run = Run(worths, weights, seconds / max(1, samples), beside, restructured)
        if arm is AS_IT_IS:
            self.ridden = {rider.name: self._ridden(subject, rider, run) for rider in self.riders}
        return run

    def _ridden(self, trained: Subject, arm: Arm, like: Run) -> Run | Missed:
        """What a change makes of the program as it is, trained."""
        try:
            with Lender(trained).lend() as lent:
                subject, targets = arm.change.after(lent), [role for role in self.rungs if role in _OF_TARGET]
                return dataclasses.replace(like, worths={**like.worths, **{role: self._worth(subject, role) for role in targets}})
        except TimeSpent:
            return Missed("the time was spent", late=True)
        except Exception as error:
            return Missed(said(error))

    def _trained(self, subject: Subject, samples: int) -> Iterator[int]:
        told = time.monotonic()
        for seen in training(subject, samples):
            self.steps += 1
            if time.monotonic() - told > _PAUSE:
                told = time.monotonic()
                yield seen

    def prepared(self, lent: Subject, seed: int, share: float = 1.0) -> Subject:
        """A loan with the pilot's data, an optimizer, and its own clock."""
        splits = {role: fixed(self.rungs[rung]) for rung, role in self.given.items() if role != "train"}
        own = dataclasses.replace(lent, deadline=self.until, pace=Pace(), train=self.data.loader(seed, share), **splits)  # type: ignore[arg-type]
        return with_optimizer(own)

    def begin(self, subject: Subject, seed: int) -> None:
        """At the start of a training: weights, optimizer, random numbers, mode."""
        if self.anew:
            begun_anew(subject, seed)
            for group in subject.optimizer.param_groups:
                group["lr"] = peak(group)
        subject.optimizer.state.clear()
        if not subject.model.training:
            subject.model.train()
        seeded(seed)

    def worths(self, subject: Subject, arm: Arm, seed: int) -> dict[str, Worth]:
        """What a trained loan is worth at each rung, from below; what is done to it then is for the rungs of the target alone."""
        found, after = dict[str, Worth](), False
        for role in self.rungs:
            if role in _OF_TARGET and not after and arm.change.after is not unchanged:
                subject, after = arm.change.after(subject), True
            found[role] = self._worth(subject, role)
        if arm.share < 1:  # what it was trained on
            found["train"] = self._worth(subject, "train", self.data.evaluated(_MOST, seed, arm.share))
        return found

    def _worth(self, subject: Subject, role: str, batches: list[Any] | None = None) -> Worth:
        name = subject.name(self.given[role])
        return worth(subject, self.rungs[role] if batches is None else batches, name, self.metric, self.subject.seed)


def _weights(subject: Subject) -> list[str]:
    return [digest(Bare(p)) for p in subject.model.parameters()]


def _structure(subject: Subject) -> list[tuple[str, ...]]:
    """The layers, with the sizes of their weights."""
    return [(type(m).__name__, *(str(tuple(p.shape)) for p in m.parameters(recurse=False))) for m in subject.model.modules()]
