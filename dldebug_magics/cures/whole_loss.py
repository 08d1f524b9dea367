"""What the program gives as its loss, changed when it comes out: by `loss_fn`, by `step`, or by the model itself."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..engine.subject import Subject


def made_of_it(change: Callable[[Tensor], Tensor]) -> Callable[[Subject], Subject]:
    """The cure that makes another loss of the one that the program gives."""

    def cure(subject: Subject) -> Subject:
        if subject.step is not None:
            return dataclasses.replace(subject, step=_then(subject.step, change))
        if subject.loss_fn is not None:
            return dataclasses.replace(subject, loss_fn=_then(subject.loss_fn, change))
        subject.model.register_forward_hook(lambda module, given, output: change(output) if isinstance(output, Tensor) else None)
        return subject

    return cure


def _then(own: Callable[..., Any], change: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    """The signature stays that of the original, which says how many targets it takes."""

    @functools.wraps(getattr(own, "forward", own))
    def changed(*given: Any, **named: Any) -> Any:
        return change(own(*given, **named))

    return changed
