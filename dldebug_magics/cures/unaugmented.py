"""Training data without the random steps of their transform, as far as these are known by name."""

from __future__ import annotations

import dataclasses

from ..engine.subject import Subject
from ..instruments.evaluation.augmentation import unaugmented


def steps(subject: Subject) -> tuple[str, ...]:
    """The names of the steps that could be left out."""
    found = unaugmented(subject.train, "train", subject.seed)[1]
    return found.steps if found is not None else ()


def without_augmentation(subject: Subject) -> Subject:
    """The subject on training data without them."""
    return dataclasses.replace(subject, train=unaugmented(subject.train, "train", subject.seed)[0])
