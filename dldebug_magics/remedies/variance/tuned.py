"""Tuned hyperparameters: the learning rate."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.subject import Subject
from ..tuning import rates


@remedy(place=7)
def tuned(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Tune the hyperparameters, the learning rate first.

    A higher rate, as long as it does not diverge, ends in flatter minima, which do better on data that were not seen.

    Not this when: a schedule or a search has found the rate already.
    Costs: as many trainings as there are rates.
    See: FSDL, "addressing over-fitting (reducing variance)", G; Li et al. 2019, "Towards explaining the regularization effect of initial
    large learning rate"; Smith & Le 2018, "A Bayesian perspective on generalization and stochastic gradient descent".
    """
    yield from rates(subject, (3.0, 1 / 3), longer=False)
