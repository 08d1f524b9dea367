"""From runs to what they say of each change: its effect on the term and on the judging split, on the same samples, seed by seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from ...instruments.pilots.effects import Effect, effects
from .arms import AS_IT_IS, Run
from .choosing import Chosen
from .experiment import Candidate, Experiment
from .results import Tried

Pairs = Sequence[tuple[Run, Run]]  # the program as it is and the changed one, a pair each seed
Sides = Sequence[tuple[float, str]]  # a number as a sum of what a run is worth at rungs
_LEADS = {True: "%overfit_batch", False: "%bias_variance"}


def tried(experiment: Experiment, chosen: Chosen) -> tuple[Tried, ...]:
    """Every change that has a run with all samples or with few, in the guide's order."""
    pairs = [(candidate, _pairs(experiment, candidate)) for candidate in experiment.candidates]
    pairs = [(candidate, found) for candidate, found in pairs if found]
    judging = [(experiment.sign, experiment.judge)]
    on_judge = effects([_differences(found, judging) for _, found in pairs])
    on_term = effects([_differences(found, chosen.sides) for _, found in pairs])
    together = zip(pairs, on_term, on_judge, strict=True)
    return tuple(_tried(experiment, candidate, found, chosen, both) for (candidate, found), *both in together)


def _pairs(experiment: Experiment, candidate: Candidate) -> list[tuple[Run, Run]]:
    """By seed; of the first round where there is nothing else."""
    name, rounds = candidate.arm.name, experiment.runs.get(AS_IT_IS.name, {})
    found = [(rounds[seed], run) for seed, run in sorted(experiment.runs.get(name, {}).items()) if seed in rounds]
    if found or name not in experiment.first or AS_IT_IS.name not in experiment.first:
        return found
    return [(experiment.first[AS_IT_IS.name], experiment.first[name])]


def _differences(pairs: Pairs, sides: Sides) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The changed run's number less the other's, [seeds], and on resamples of the samples, [seeds, draws]."""
    values = [sum(w * (b.worths[role].value - a.worths[role].value) for w, role in sides) for a, b in pairs]
    draws = [sum(w * (b.worths[role].draws - a.worths[role].draws) for w, role in sides) for a, b in pairs]
    return numpy.array(values), numpy.array(draws)


def _tried(experiment: Experiment, candidate: Candidate, pairs: Pairs, chosen: Chosen, found: Sequence[Effect]) -> Tried:
    change, remedy, (before, after) = candidate.arm.change, candidate.remedy, pairs[-1]

    def level(place: int) -> float:
        values = [sum(w * pair[place].worths[role].value for w, role in chosen.sides) for pair in pairs]
        return float(numpy.mean(values)) + chosen.fixed

    return Tried(
        remedy=remedy.name,
        change=change.what,
        code=change.code,
        risk=change.risk,
        recommended=remedy.recommended,
        place=remedy.place,
        before=level(0),
        after=level(1),
        on_term=found[0],
        effect=found[1],
        weights=after.weights / max(1, before.weights),
        pace=float(numpy.median([b.pace / a.pace if a.pace else 1.0 for a, b in pairs])),
        passes=change.times,
        leads_to=_LEADS[after.restructured],
        stopped=experiment.stopped.get(candidate.arm.name, ""),
    )
