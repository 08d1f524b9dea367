"""More features: what would tell the model what it can't see."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import NotPiloted, remedy
from ...engine.subject import Subject


@remedy(place=6)
def add_features(subject: Subject) -> Iterator[NotPiloted]:
    """Add features that tell what the inputs leave out.

    Where two samples look alike and have different targets, no model can tell them apart: only another feature can.

    Not this when: a person does well with the same inputs; then they hold what is needed.
    Costs: each feature must be there in production, too, at the time of the prediction.
    See: FSDL, "addressing under-fitting (reducing bias)", F.
    """
    yield NotPiloted("features that are not in the data can't be tried: which would a person ask for who gets the same samples wrong?")
