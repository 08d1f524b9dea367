from __future__ import annotations

from collections.abc import Iterator

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fix, Severity
from ...engine.subject import Subject
from ...observations.bias_variance import BiasVariance
from ...observations.bias_variance.speaking import dominant, facts, how_bad
from ..small_splits import evaluated


@check(severity=Severity.WARNING)
def underfitting(seen: BiasVariance) -> Iterator[Evidence]:
    """The model is far from the irreducible error on the very data it was trained on.

    More data would not help: it does not even fit those that it has. Every split behind train inherits this error.

    Shows as: train and validation equally bad, and both far above what a person does.
    Proven by: bias (train - irreducible), the largest term, with an interval that excludes 0 and the next term.
    Not this when: nobody knows the irreducible error, or it is higher than was thought: wrong labels raise it, too.
    Fails: a human level of other data, or of another metric, is not found out.
    See: FSDL, "addressing under-fitting": bigger model, less regularisation, error analysis, architecture, tuning, more features.
    """
    term = dominant(seen, "bias")
    if term is not None:
        yield Evidence(
            Confidence.LIKELY,
            facts=facts(seen, term),
            where="train",
            fix=Fix("In this order: a bigger model, less regularisation, error analysis, another architecture, tuning, more features."),
            always=True,
            refuted_by="A model of several times the size that does no better on train: then the error may be irreducible.",
            severity=how_bad(seen, term),
        )


@underfitting.bad
def far_above_what_people_do() -> Subject:
    return evaluated(human=0.01, train=200, val=215)


@underfitting.good
def near_what_people_do() -> Subject:
    return evaluated(human=0.19, train=200, val=215)
