"""Error analysis on train: what the model gets wrong of the data that it knows."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import NotPiloted, remedy
from ...engine.subject import Subject


@remedy(place=3)
def error_analysis(subject: Subject) -> Iterator[NotPiloted]:
    """Look at the training samples that it gets wrong.

    What they have in common says what the model can't see: small things at a low resolution, rare classes, wrong labels. A wrong label
    raises the irreducible error, and no model is to blame for that.

    Not this when: nothing is learned at all; then there is nothing to compare.
    Costs: an hour of a person who knows the data.
    See: FSDL, "addressing under-fitting (reducing bias)", C, and "error analysis".
    """
    yield NotPiloted(
        f"a person must look at what `{subject.name('model')}` gets wrong of `{subject.name('train')}`, the largest losses first"
    )
