"""The two rounds: every change once with few samples, if there is not the time for all; then the better ones with every seed."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from .arms import AS_IT_IS, Arm, Missed, Run

if TYPE_CHECKING:
    from .experiment import Candidate, Experiment

LATE, FIRST_ROUND = "the time was spent", "first round only"


def first_round(experiment: Experiment, samples: int, survivors: int) -> Generator[str, None, list[Candidate]]:
    """Every change with a seed of its own, which nobody has later; returns those that ran, the best first. `survivors` go on for sure."""
    walking = [candidate for candidate in experiment.candidates if not candidate.arm.rides]
    for arm in [AS_IT_IS, *(candidate.arm for candidate in walking)]:
        found = yield from run(experiment, arm, experiment.seeds, samples)
        if isinstance(found, Run):
            experiment.first[arm.name] = found
        else:
            experiment.stopped[arm.name] = found.why
    known = [candidate for candidate in walking if candidate.arm.name in experiment.first]
    known.sort(key=lambda candidate: experiment.sign * experiment.first[candidate.arm.name].worths[experiment.judge].value)
    for candidate in known[survivors:]:
        experiment.stopped[candidate.arm.name] = FIRST_ROUND
    return known


def all_seeds(experiment: Experiment, arms: list[Arm], samples: int) -> Iterator[str]:
    """Seed after seed, so that what is known of all grows together; what would end too late is left out."""
    for seed in range(experiment.seeds):
        for arm in [AS_IT_IS, *arms]:
            done = experiment.runs.get(arm.name, {})
            if seed in done or (arm.name in experiment.stopped and not done):
                continue
            kept(experiment, arm, seed, (yield from run(experiment, arm, seed, samples)))


def kept(experiment: Experiment, arm: Arm, seed: int, found: Run | Missed) -> None:
    """Write down what came of a run, and of those that rode on it."""
    for name, result in ((arm.name, found), *(experiment.pilots.ridden.items() if arm is AS_IT_IS else ())):
        if isinstance(result, Run):
            experiment.runs.setdefault(name, {})[seed] = result
        else:
            experiment.stopped[name] = result.why


def with_what_is_left(experiment: Experiment, others: list[Candidate], samples: int) -> Iterator[str]:
    """Those that did not go on, as long as there is the time for all seeds of the next one."""
    for arm in (candidate.arm for candidate in others):
        known = experiment.first[arm.name]
        if time.monotonic() + experiment.seeds * (known.pace * samples * arm.times + known.beside) < experiment.pilots.until:
            del experiment.stopped[arm.name]
            yield from all_seeds(experiment, [arm], samples)


def run(experiment: Experiment, arm: Arm, seed: int, samples: int) -> Generator[str, None, Run | Missed]:
    """One run, if it would be over in time by what is known of its cost."""
    own, pilots = experiment.own, experiment.pilots
    assert own is not None, "it was looked at"
    known = [*experiment.runs.get(arm.name, {}).values(), *([experiment.first[arm.name]] if arm.name in experiment.first else [])]
    pace, beside = (known[0].pace, known[0].beside) if known else (own.pace, own.beside)
    if time.monotonic() + pace * samples * arm.times + beside > pilots.until:
        return Missed(LATE, late=True)
    place = f"{arm.change.what if arm.share == 1 else arm.name}, seed {seed + 1}"
    running = pilots.run(arm, pilots.subject.seed + seed, samples)
    while True:
        try:
            seen = next(running)
        except StopIteration as ended:
            yield place
            return ended.value
        yield f"{place}: {seen} of {round(samples * arm.times)} samples"
