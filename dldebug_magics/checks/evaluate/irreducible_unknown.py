from __future__ import annotations

from collections.abc import Iterator

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fix, Severity
from ...engine.subject import Subject
from ...observations.bias_variance import BiasVariance
from ...observations.bias_variance.speaking import facts
from ..small_splits import evaluated


@check(severity=Severity.NOTE)
def irreducible_unknown(seen: BiasVariance) -> Iterator[Evidence]:
    """Nobody said how low the error can go, so the largest part of it has no name.

    Whether 10 % on train are under-fitting or as good as anybody can be depends on what the data allow.

    Shows as: a large first term in which irreducible error and bias are not told apart.
    Proven by: train's own interval, and no human level, annotators or target beside it.
    Not this when: the error on train is near 0: then there is nothing to tell apart.
    Fails: a human level that was measured on other data is taken at its word.
    See: A. Ng, "Machine Learning Yearning", chapter 22; FSDL, "bias-variance decomposition".
    """
    term = next((term for term in seen.terms if term.parts == ("irreducible error", "bias")), None)
    if term is not None and seen.matters(term) and term.interval.above_zero:
        yield Evidence(
            Confidence.PROVEN,
            facts=facts(seen, term),
            where="train",
            fix=Fix(
                "Let two people label some samples again, or say what is known.",
                "--human 0.02   or --annotations labels   or --target 0.05",
            ),
            always=True,
            refuted_by="A human level, from the same data and by the same metric.",
        )


@irreducible_unknown.bad
def a_tenth_is_wrong_on_train() -> Subject:
    return evaluated(train=100, val=110)


@irreducible_unknown.good
def what_people_do_is_known() -> Subject:
    return evaluated(human=0.09, train=100, val=110)


@irreducible_unknown.good
def nothing_is_wrong_on_train() -> Subject:
    return evaluated(train=0, val=10)
