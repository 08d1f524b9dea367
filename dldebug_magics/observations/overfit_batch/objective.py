"""What the optimizer works on: a reward that is maximised on purpose is the negative of a loss, and is judged as that loss."""

from __future__ import annotations

from ...cures.learning_rate import descending
from ...cures.loss import negated
from ...engine.subject import Subject
from .curve import Floor
from .floor import attainable


def as_loss(subject: Subject) -> tuple[Subject, Floor]:
    """The subject with something to minimise, and its floor.

    Where every group of the optimizer has `maximize=True`, and what it maximises has a bound above and none below, the two minus signs
    cancel: the same steps are those of minimising the negative.
    """
    floor = attainable(subject)
    groups = subject.optimizer.param_groups if subject.optimizer is not None else []
    if floor.mirrored and groups and all(group.get("maximize") for group in groups):
        turned = descending(negated(subject))
        return turned, attainable(turned)
    return subject, floor
