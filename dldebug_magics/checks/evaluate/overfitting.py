from __future__ import annotations

from collections.abc import Iterator

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fix, Severity
from ...engine.subject import Subject
from ...observations.bias_variance import BiasVariance
from ...observations.bias_variance.speaking import dominant, facts, how_bad
from ..small_splits import evaluated


@check(severity=Severity.WARNING)
def overfitting(seen: BiasVariance) -> Iterator[Evidence]:
    """The model does worse on samples like those of train that it has not seen.

    What it learnt holds for the training set more than for the data behind it. A few percent of this are how learning looks.

    Shows as: validation well above train, in evaluation mode.
    Proven by: variance (train-val - train), the largest term, with an interval that excludes 0 and the next term.
    Not this when: validation data come from another distribution: without a train-val split the two are not told apart, and this is a hint.
    Fails: samples that stand in both splits hide it.
    See: FSDL, "addressing over-fitting": more data, normalisation, augmentation, regularisation, error analysis, architecture, tuning.
    """
    alone, joined = dominant(seen, "variance"), dominant(seen, "variance", "distribution shift")
    term = alone or joined
    if term is not None:
        yield Evidence(
            Confidence.LIKELY if alone is not None else Confidence.HINT,
            facts=facts(seen, term),
            where="train",
            fix=Fix("In this order: more training data, normalisation layers, augmentation, regularisation, then the rest."),
            always=True,
            refuted_by="The same gap with several times the training data: then it is no variance.",
            severity=how_bad(seen, term),
        )


@overfitting.bad
def good_on_train_alone() -> Subject:
    return evaluated(human=0.01, train=10, train_val=200, test_val=210)


@overfitting.bad
def good_on_train_alone_and_no_train_val() -> Subject:
    return evaluated(train=0, val=150)


@overfitting.good
def a_percent_more_than_on_train() -> Subject:
    return evaluated(human=0.01, train=20, train_val=32, test_val=35)
