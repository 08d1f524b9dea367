from __future__ import annotations

from collections.abc import Iterator

from ...engine.check import check
from ...engine.evidence import Evidence, Fix, Severity
from ...engine.subject import Subject
from ...observations.distribution_shift import DistributionShift
from ...observations.distribution_shift.speaking import evidence, mixture
from ..small_shifts import compared, rows


@check(severity=Severity.WARNING)
def distribution_shift(seen: DistributionShift) -> Iterator[Evidence]:
    """The splits hold different data, and which kind of shift it is can't be told.

    Either several things changed, or the inputs of the two sides have nothing in common by which they could be matched.

    Shows as: inputs, features or outputs that are told apart, and a higher error.
    Proven by: tests of both splits that hold together at the level of 5 %, and an interval of the gap that excludes 0.
    Not this when: the source was trained on and the target shows no harm by itself: then this is a note, for it may be over-fitting; or
    samples belong together (patients, videos): name them with --groups.
    Fails: where labels or loss are missing, nobody can say whether it hurts; this is then a note, too.
    See: S. Rabanser et al. 2019, "Failing Loudly"; FSDL, "addressing distribution shift": analyse, collect or synthesise, adapt.
    """
    if seen.kind == "distribution_shift":
        fix = Fix("Look at what fails in the target and not in the source; collect or make such training data; then adapt the domain.")
        if not seen.hurts:
            fix = Fix("Find out whether it hurts: name a held-out split like the training data (--train-val), and labels for both.")
        yield evidence(seen, fix, (*mixture(seen, "inputs"), *mixture(seen, "classes")), "Splits that a classifier can't tell apart.")


@distribution_shift.bad
def nothing_in_common_and_worse() -> Subject:
    return compared(val=rows(seed=1, moved=-6.0), test=rows(seed=2, moved=-30.0, wrong=0.25))


@distribution_shift.good
def nothing_in_common_and_no_worse() -> Subject:
    return compared(val=rows(seed=1, moved=-6.0), test=rows(seed=2, moved=-30.0))
