"""The inputs with their bytes read as another kind of number."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from torch import Tensor

from ..engine.nested import mapped
from ..engine.subject import Subject
from ..instruments.input_tensors import input_tensors


def reread(which: Callable[[Tensor], bool], reading: Callable[[Tensor], Tensor]) -> Callable[[Subject], Subject]:
    """The cure that reads the inputs for which this holds in another way; they stay numbers of the kind that they were."""

    def cure(subject: Subject) -> Subject:
        wanted = {id(tensor) for tensor in input_tensors(subject)[0] if which(tensor)}
        change = lambda t: reading(t.contiguous()).to(t.dtype) if id(t) in wanted else t  # noqa: E731
        return dataclasses.replace(subject, batch=mapped(subject.batch, change))

    return cure
