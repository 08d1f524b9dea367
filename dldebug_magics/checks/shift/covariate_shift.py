from __future__ import annotations

from collections.abc import Iterator

from ...engine.check import check
from ...engine.evidence import Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.distribution_shift import DistributionShift
from ...observations.distribution_shift.speaking import evidence, mixture
from ...observations.distribution_shift.wording import number
from ..small_shifts import compared, rows


@check(severity=Severity.WARNING)
def covariate_shift(seen: DistributionShift) -> Iterator[Evidence]:
    """The inputs of the target are others than those of the source, and mean the same.

    The model is asked more often about what it does badly, or about what it never saw: darker pictures, other users, another unit.

    Shows as: inputs that a classifier tells apart, and an error that rises with them.
    Proven by: the target's error, re-weighted to the source's inputs, falls; or the same samples are answered better on the source's scale.
    Not this when: the shares of the classes changed, and the inputs with them; or a loader augments one side: then it is so by design.
    Fails: where no input of one side looks like any of the other, nothing can be re-weighted; harm that moving the scale does not undo is
    then called distribution_shift.
    See: M. Sugiyama et al. 2007, "Covariate Shift Adaptation by Importance Weighted Cross Validation"; FSDL, on distribution shift.
    """
    if seen.kind == "covariate_shift":
        back = seen.moved_back
        moved = back is not None and back.helps
        what = "the same samples on the source's scale"
        again = (Fact(what, f"{number(seen, back.before)} becomes {number(seen, back.after)}"),) if back is not None else ()
        fix = Fix("Prepare the inputs of both splits alike: their scale differs, and moving it back repairs a part.")
        if not moved:
            fix = Fix("Collect or make training data like the slices that have become frequent; then adapt the domain.")
        if not seen.hurts:
            fix = Fix("Nothing has to be done: the inputs differ, and the error does not.")
        yield evidence(seen, fix, (*again, *mixture(seen, "inputs")), "An error that stays where the inputs are the same.")


@covariate_shift.bad
def asked_more_often_where_it_is_weak() -> Subject:
    return compared(val=rows(seed=1, moved=-0.7), test=rows(seed=2, moved=0.7))


@covariate_shift.good
def asked_as_often_where_it_is_weak() -> Subject:
    return compared(val=rows(seed=1, moved=-0.7), test=rows(seed=2, moved=-0.7))
