"""The model in the mode in which models are trained."""

from __future__ import annotations

from ..engine.subject import Subject


def training(subject: Subject) -> Subject:
    """`model.train()`."""
    subject.model.train()
    return subject
