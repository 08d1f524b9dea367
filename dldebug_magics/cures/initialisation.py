"""The weights as they were before anything happened to them."""

from __future__ import annotations

from ..engine.ambient import seeded
from ..engine.subject import Subject


def reinitialised(subject: Subject) -> Subject:
    """Every layer that knows how to begin begins anew (torch's own `reset_parameters`)."""
    seeded(subject.seed)
    for module in subject.model.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
    return subject
