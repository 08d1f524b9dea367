"""Error analysis on train-val: what the model gets wrong of data like those that it knows."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import NotPiloted, remedy
from ...engine.subject import Subject


@remedy(place=5)
def error_analysis(subject: Subject) -> Iterator[NotPiloted]:
    """Look at the held-out samples that it gets wrong, and not those of train.

    What they have in common says which data are too few, and what it takes for a cue that is none.

    Not this when: there are a handful of errors; then they are chance.
    Costs: an hour of a person who knows the data.
    See: FSDL, "addressing over-fitting (reducing variance)", E, and "error analysis".
    """
    role = next((role for role in ("train_val", "val") if getattr(subject, role) is not None), "train_val")
    yield NotPiloted(f"a person must look at what `{subject.name('model')}` gets wrong of `{subject.name(role)}`")
