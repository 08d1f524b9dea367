"""The frozen batch with what goes into the model changed, and what goes into the loss left as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..engine.call import split
from ..engine.nested import mapped, tensors
from ..engine.split import LABELS
from ..engine.subject import Subject


def inputs(subject: Subject) -> list[Tensor]:
    """Every tensor of the batch that the model takes, labels for a loss of its own left out."""
    arguments, keywords, _ = split(subject, subject.batch)
    return list(tensors((arguments, {name: value for name, value in keywords.items() if name not in LABELS})))


def with_inputs(subject: Subject, change: Callable[[Tensor], Tensor]) -> Subject:
    """The subject with each of these tensors changed."""
    own = {id(t) for t in inputs(subject)}

    def changed(tensor: Tensor) -> Any:
        return change(tensor) if id(tensor) in own else tensor

    return dataclasses.replace(subject, batch=mapped(subject.batch, changed))
