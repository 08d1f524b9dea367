from __future__ import annotations

from collections.abc import Iterator

from ...engine.check import check
from ...engine.evidence import Evidence, Fix, Severity
from ...engine.subject import Subject
from ...observations.distribution_shift import DistributionShift
from ...observations.distribution_shift.speaking import evidence, mixture
from ..small_shifts import compared, rows


@check(severity=Severity.WARNING)
def concept_shift(seen: DistributionShift) -> Iterator[Evidence]:
    """The same inputs have other answers in the target.

    What the model learnt is no longer true, or was labelled by other rules; more data of the old kind would not help.

    Shows as: an error that is higher where inputs and shares of the classes are the same.
    Proven by: the gap that is left after re-weighting, from both sides, with enough samples behind the weights.
    Not this when: the source was trained on, or chosen on too often, which makes a gap without any shift; or one side's labels are noisier.
    Fails: without labels in the target nothing of it is seen; strong weights hide it, and it is then called distribution_shift.
    See: J. Quinonero-Candela et al. 2009, "Dataset Shift in Machine Learning"; J. Gama et al. 2014, "A Survey on Concept Drift Adaptation".
    """
    if seen.kind == "concept_shift":
        fix = Fix("Look at inputs that both splits have and their labels; then label anew, and train on labels of the target's kind.")
        facts = (*mixture(seen, "inputs"), *mixture(seen, "classes"))
        yield evidence(seen, fix, facts, "An error that is the same where the inputs are.")


@concept_shift.bad
def other_answers_to_the_same_questions() -> Subject:
    return compared(val=rows(seed=1, moved=-0.7), test=rows(seed=2, moved=-0.7, wrong=0.25))


@concept_shift.good
def the_same_answers() -> Subject:
    return compared(val=rows(seed=3, moved=-0.7), test=rows(seed=4, moved=-0.7))
