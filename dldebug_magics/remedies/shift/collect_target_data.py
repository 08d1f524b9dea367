"""Data collected from where the model is used: the guide's first answer to a distribution shift."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import NotPiloted, remedy
from ...engine.subject import Subject
from ...instruments.target_split import target_of


@remedy(place=1)
def collect_target_data(subject: Subject) -> Iterator[NotPiloted]:
    """Collect training data like those that it gets wrong where it is used.

    Look at the errors on test-val that train-val does not have, put them in order by what they have in common, and collect for the
    largest group first. It is the one remedy that works for every kind of shift.

    Not this when: the shift does no harm: a difference of the inputs that leaves the error where it was.
    Costs: collecting and labelling. A hundred looked-at errors tell what to collect.
    See: FSDL, "addressing distribution shift", A, and its table of error analysis.
    """
    found = target_of(subject)
    role = subject.name(found[0]) if found is not None else "test_val"
    yield NotPiloted(
        f"no pilot can: collect and label samples of the kinds that the model gets wrong in `{role}` more often than in "
        f"`{subject.name('train_val')}`; `%distribution_shift` says which columns, classes or slices they lie in"
    )
