from __future__ import annotations

from collections.abc import Iterator

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.bias_variance import BiasVariance
from ...observations.bias_variance.chance import expected_optimism
from ...observations.bias_variance.speaking import dominant, facts, how_bad
from ...observations.bias_variance.wording import number
from ..small_splits import evaluated


@check(severity=Severity.WARNING)
def validation_overfitting(seen: BiasVariance) -> Iterator[Evidence]:
    """The model does worse on test than on validation data of the same kind: choices were made by the latter.

    Each comparison on a validation set takes some of its luck. After many, the winner is better there than anywhere else.

    Shows as: a test error well above the validation error that the model was chosen by.
    Proven by: test - test-val, the largest term, with an interval that excludes 0 and the next term.
    Not this when: test comes from another distribution than the validation set.
    Fails: what `--trials` expects (deviation * sqrt(2 ln k)) holds for trials that are independent, which those of one project are not.
    See: FSDL, "addressing validation over-fitting": re-balance the splits, collect new validation data; Dwork et al. 2015.
    """
    term, optimism = dominant(seen, "validation over-fitting"), expected_optimism(seen)
    luck = Fact(f"what the best of {seen.trials} trials gains there by luck, at most", number(seen, optimism or 0.0))
    if term is not None:
        yield Evidence(
            Confidence.LIKELY,
            facts=(*facts(seen, term), *([luck] if optimism is not None else [])),
            where="test",
            fix=Fix("Collect a new validation set, or draw validation and test anew from both; choose by it less often."),
            always=True,
            refuted_by="A fresh validation set on which the model does as well as on the old one.",
            severity=how_bad(seen, term),
        )


@validation_overfitting.bad
def chosen_by_the_validation_set() -> Subject:
    return evaluated(human=0.01, train=20, train_val=30, test_val=35, test=150)


@validation_overfitting.good
def as_good_on_test() -> Subject:
    return evaluated(human=0.01, train=20, train_val=30, test_val=35, test=42)
