from __future__ import annotations

from collections.abc import Iterator

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fix, Severity
from ...engine.subject import Subject
from ...observations.bias_variance import BiasVariance
from ...observations.bias_variance.speaking import dominant, facts, how_bad
from ..small_splits import evaluated


@check(severity=Severity.WARNING)
def distribution_shift(seen: BiasVariance) -> Iterator[Evidence]:
    """The model does worse on data like those of test than on unseen data like those of train.

    It learnt what it was shown, and is asked about something else: other cameras, users, times, or shares of the classes.

    Shows as: train-val nearly as good as train, and the validation set of the target distribution much worse.
    Proven by: shift (test-val - train-val), the largest term, with an interval that excludes 0 and the next term.
    Not this when: train-val was trained on, or one of the two is made of harder samples on purpose.
    Fails: a shift that does not hurt is not seen here, nor one in the data that came after the test set.
    See: FSDL, "addressing distribution shift": analyse test-val errors, collect or synthesise such data, domain adaptation.
    """
    term = dominant(seen, "distribution shift")
    if term is not None:
        yield Evidence(
            Confidence.LIKELY,
            facts=facts(seen, term),
            where="test_val",
            fix=Fix("Look at what fails on test-val and not on train-val; collect or make such training data; then adapt the domain."),
            always=True,
            refuted_by="A train-val set that the model was trained on: its error then says nothing.",
            severity=how_bad(seen, term),
        )


@distribution_shift.bad
def asked_about_something_else() -> Subject:
    return evaluated(human=0.01, train=20, train_val=30, test_val=200, test=205)


@distribution_shift.good
def asked_about_what_it_learnt() -> Subject:
    return evaluated(human=0.01, train=20, train_val=30, test_val=32, test=35)
