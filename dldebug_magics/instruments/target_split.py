"""Which split stands for the data that the model is for, and what may be read of it: inputs, never labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ..engine.call import forward
from ..engine.nested import mapped
from ..engine.samples import portions
from ..engine.subject import Subject
from .columns import SAMPLES

ROLES = ("test_val", "val", "test")  # the first that there is


def target_of(subject: Subject) -> tuple[str, Any] | None:
    """The role of the target split and the split itself; None where there is only what the model was trained on.

    >>> target_of(Subject(torch.nn.Flatten(), val=[1], test=[2]))
    ('val', [1])
    """
    return next(((role, getattr(subject, role)) for role in ROLES if getattr(subject, role) is not None), None)


def passed_over(subject: Subject, source: Any, samples: int = SAMPLES) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """What the model gives for a split, batch by batch, in the modes that it is in and without gradients; its targets beside."""
    device = next((p.device for p in subject.model.parameters()), None)
    with torch.no_grad():
        for portion in portions(source, samples):
            batch = portion.batch if device is None else mapped(portion.batch, lambda t: t.to(device))
            yield forward(subject, batch)
