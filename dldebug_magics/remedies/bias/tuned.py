"""Tuned hyperparameters: the learning rate, and how long."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.subject import Subject
from ..tuning import rates


@remedy(place=5)
def tuned(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Tune the hyperparameters, the learning rate first, and train for longer.

    The rate is the one that matters most. Too low a rate, or too few passes, leave a model far from what it can fit, and look like one
    that is too small; too high a rate keeps it from settling.

    Not this when: a schedule or a search has found the rate already.
    Costs: as many trainings as there are rates.
    See: FSDL, "addressing under-fitting (reducing bias)", E; Smith 2017, "Cyclical learning rates"; Bengio 2012, "Practical recommendations
    for gradient-based training of deep architectures", section 2.1.
    """
    yield from rates(subject, (3.0, 1 / 3, 10.0), longer=True)
