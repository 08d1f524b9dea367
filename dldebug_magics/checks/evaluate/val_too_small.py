from __future__ import annotations

from collections.abc import Iterator

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.bias_variance import BiasVariance
from ...observations.bias_variance.chance import unsettled
from ...observations.bias_variance.speaking import facts
from ..small_splits import evaluated


@check(severity=Severity.NOTE)
def val_too_small(seen: BiasVariance) -> Iterator[Evidence]:
    """The splits are too small to tell the largest gap from chance.

    A decision that rests on this gap is a throw of dice.

    Shows as: validation errors that change from run to run as much as from model to model.
    Proven by: the gap's 95 % interval, which holds 0.
    Not this when: the gap is small: then a larger set would only confirm that.
    Fails: the size that would settle it supposes that the gap stays what it is.
    See: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap"; A. Ng, "Machine Learning Yearning", chapter 7.
    """
    found = unsettled(seen)
    if found is not None:
        wanted = Fact(f"samples of {found.role} that would settle it", f"about {found.wanted}", f"there are {found.samples}")
        yield Evidence(
            Confidence.PROVEN,
            facts=(*facts(seen, found.term), wanted),
            where=found.role,
            fix=Fix(f"Evaluate on more samples: about {found.wanted} of {found.role}, if the gap is what it seems."),
            always=True,
            refuted_by="An interval that excludes 0.",
        )


@val_too_small.bad
def eighty_samples() -> Subject:
    return evaluated(samples=80, human=0.0, train=0, val=3)


@val_too_small.good
def eight_thousand_samples() -> Subject:
    return evaluated(samples=8000, human=0.0, train=0, val=300)


@val_too_small.good
def no_gap_to_be_told() -> Subject:
    return evaluated(samples=400, human=0.04, train=16, val=17)
