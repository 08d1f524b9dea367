from __future__ import annotations

from collections.abc import Iterator

from ...engine.check import check
from ...engine.evidence import Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.distribution_shift import DistributionShift
from ...observations.distribution_shift.speaking import evidence, mixture
from ...observations.distribution_shift.wording import chance
from ..small_shifts import classes, compared


@check(severity=Severity.WARNING)
def label_shift(seen: DistributionShift) -> Iterator[Evidence]:
    """The classes are as they were, and come in other shares.

    The error moves with the shares, because the classes are not all as hard; and what the model expects before it looks is wrong.

    Shows as: shares of the classes that differ; inputs that do not differ within a class.
    Proven by: labels counted on both sides, and a target that is as good as the source once its classes are weighted alike.
    Not this when: one side was balanced on purpose: then the other is the world, and this is known.
    Fails: without labels in the target the shares are estimated, which holds only where each class looks as it did.
    See: Z. Lipton, Y.-X. Wang, A. Smola 2018, "Detecting and Correcting for Label Shift with Black Box Predictors".
    """
    labels = seen.labels
    if seen.kind == "label_shift" and labels is not None:
        far = max(range(len(labels.classes)), key=lambda i: abs(labels.target[i] - labels.source[i]))
        shares = f"{100 * labels.source[far]:.1f} % and {100 * labels.target[far]:.1f} %, {chance(labels.p)}"
        counted = Fact(f"share of class {labels.classes[far]}, {'counted' if labels.counted else 'estimated'}", shares, "the same")
        new = (Fact("classes that the source never shows", ", ".join(map(str, labels.new)), "none"),) if labels.new else ()
        fix = Fix(
            "Weigh the classes by the shares of the target, in the loss or in the outputs; collect more of those that became frequent."
        )
        if seen.hurts is False:
            fix = Fix("Nothing has to be done: the shares differ, and the error does not.")
        yield evidence(seen, fix, (counted, *new, *mixture(seen, "classes")), "Inputs that differ within a class.")


@label_shift.bad
def the_hard_class_has_become_frequent() -> Subject:
    return compared(val=classes(seed=1, share=0.2), test=classes(seed=2, share=0.7))


@label_shift.good
def the_hard_class_is_as_rare_as_before() -> Subject:
    return compared(val=classes(seed=1, share=0.2), test=classes(seed=2, share=0.2))
