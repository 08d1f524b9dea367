"""The loss in another unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ..engine.call import loss_from, loss_of
from ..engine.subject import Subject
from .loss import _in_place_of


def divided(count: int) -> Callable[[Subject], Subject]:
    """The cure that divides the loss by a number of terms: a sum becomes their mean."""

    def cure(subject: Subject) -> Subject:
        whole = dataclasses.replace(subject, around=())
        if subject.step is not None or subject.loss_fn is None:
            return dataclasses.replace(subject, step=lambda batch: loss_of(whole, batch).loss / count)
        mean = _in_place_of(subject.loss_fn, lambda output, *targets: loss_from(whole, output, targets) / count)
        return dataclasses.replace(subject, loss_fn=mean)

    return cure
