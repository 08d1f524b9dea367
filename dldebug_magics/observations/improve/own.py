"""The user's model as it stands, and what its training costs: what pilots are held against, and planned by."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Generator
from typing import Any

import torch

from ...engine.deadline import TimeSpent
from ...engine.errors import UserMistake
from ...engine.subject import Subject
from ...instruments.evaluation.bootstrap import interval
from ...instruments.pilots.loop import training
from ...instruments.pilots.worth import Worth, worth
from .anew import begun_anew
from .arms import AS_IT_IS, Missed, Run, said
from .run import Pilots

_STEPS = 24  # at most, of which the first, which is slow, does not count
_PACE = 0.05  # of the time, for these
_NEAR = 0.02  # of the way from the start to the user's level
_LONGER = 1.5  # times the samples after which the level is reached
_PASSES = 10  # at least, where nobody knows how many the user's had
_SHARE = 0.2  # of the time, to find out
_REDRAWN = 0.5  # of the trained numbers, at most, without a rule of their own


@dataclasses.dataclass(frozen=True)
class Own:
    """worths: of the user's weights, by rung; fresh: of weights that have just begun, where they have a worth.

    pace: seconds a trained sample; beside: seconds of a run without its training. anew: whether the weights can begin anew.
    """

    worths: dict[str, Worth]
    fresh: dict[str, Worth]
    pace: float
    beside: float
    anew: bool


def looked_at(pilots: Pilots) -> Own | Missed:
    """Pass over the rungs with the user's weights, begin anew, pass over them again, and train a few steps."""
    try:
        began = time.monotonic()
        with pilots.lender.lend() as lent:
            worths = pilots.worths(pilots.prepared(lent, 0), AS_IT_IS, 0)
        beside = time.monotonic() - began
        with pilots.lender.lend() as lent:
            subject = pilots.prepared(lent, 0)
            redrawn = begun_anew(subject, subject.seed)
            fresh = _levels(pilots, subject)
            pace = _pace(pilots, subject, time.monotonic() + _PACE * (pilots.until - time.monotonic()))
    except TimeSpent:
        return Missed("the time was spent before a single run was over", late=True)
    except UserMistake:
        raise
    except Exception as error:
        return Missed(said(error))
    pilots.metric = next(iter(worths.values())).metric  # of the loss as it is, whatever a change makes of that
    return Own(worths, fresh, pace, beside, redrawn <= _REDRAWN)


def _levels(pilots: Pilots, subject: Subject) -> dict[str, Worth]:
    """By rung; without those where an untrained model has none, as one whose statistics are not there yet may have."""
    found = dict[str, Worth]()
    for role, batches in pilots.rungs.items():
        with contextlib.suppress(UserMistake):
            found[role] = worth(subject, batches, role, pilots.metric, subject.seed)
    return found


def _pace(pilots: Pilots, subject: Subject, until: float) -> float:
    """Seconds a trained sample, by the middle one of a few steps."""
    subject.model.train()
    took, now, before = list[float](), time.monotonic(), 0
    for seen in training(subject, _STEPS * pilots.data.batch_size):
        took.append((time.monotonic() - now) / max(1, seen - before))
        now, before = time.monotonic(), seen
        if now > until:
            break
    pilots.steps += len(took)
    return sorted(took[1:] or took)[len(took[1:] or took) // 2]


def steps_taken(optimizer: Any) -> int:
    """How many steps an optimizer has made, as far as its state says so: Adam's does, plain SGD's does not (0).

    >>> steps_taken(torch.optim.Adam([torch.zeros(1)]))
    0
    """
    states = getattr(optimizer, "state", {}).values()
    counted = [state.get("step", 0) for state in states if isinstance(state, dict)]
    return int(max((float(count) for count in counted if isinstance(count, (int, float, torch.Tensor))), default=0))


def matched(pilots: Pilots, own: Own, most: int, sign: float) -> Generator[str, None, int | Missed]:
    """After how many samples the program, trained again, does as well on its training data as the user's model; half as many on top.

    `most` where it does not get there by then, or not within its share of the time.
    """
    until = time.monotonic() + _SHARE * (pilots.until - time.monotonic())
    wanted, data = own.worths["train"].value, pilots.data
    wanted += _NEAR * (own.fresh["train"].value - wanted) if "train" in own.fresh else 0.0
    seen, look = 0, data.samples
    try:
        with pilots.lender.lend() as lent:
            subject = pilots.prepared(lent, 0)
            pilots.begin(subject, subject.seed)
            for seen in training(subject, most):
                pilots.steps += 1
                if time.monotonic() > until:
                    break
                if seen < look:
                    continue
                yield f"finding out how long to train: {seen} samples"
                level = worth(subject, pilots.rungs["train"], "train", pilots.metric, subject.seed).value
                if sign * level <= sign * wanted:
                    return min(most, max(int(_LONGER * seen), _PASSES * data.samples))
                look = max(seen + data.samples, int(1.25 * seen))
                subject.model.train()
    except TimeSpent:
        return most
    except Exception as error:
        return Missed(said(error))
    return most


def nowhere_near(own: Own, again: Run, sign: float) -> bool:
    """Whether a re-trained program came less than half of the way to the user's model, on the first held-out rung: further up a shift
    may throw one seed far from another. Not where that model is not better than an untrained one beyond chance: there is no way to go."""
    judge = next(role for role in own.worths if role != "train")
    start, end = own.fresh.get(judge), own.worths[judge]
    if start is None or not interval(sign * (start.draws - end.draws)).above_zero:
        return False
    return sign * (again.worths[judge].value - end.value) > 0.5 * sign * (start.value - end.value)
