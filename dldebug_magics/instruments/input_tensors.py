"""The floating-point tensors that go into a model, and those that go into its loss."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..engine.call import split
from ..engine.nested import tensors
from ..engine.subject import Subject


def input_tensors(subject: Subject) -> tuple[list[Tensor], list[Tensor]]:
    """(inputs, targets) of the frozen batch; with a `step` of the user's own all of it counts as input."""
    if subject.step is not None:
        return _floating(subject.batch), []
    arguments, keywords, targets = split(subject, subject.batch)
    return _floating((arguments, keywords)), _floating(targets)


def _floating(structure: Any) -> list[Tensor]:
    return [t for t in tensors(structure) if t.is_floating_point()]
