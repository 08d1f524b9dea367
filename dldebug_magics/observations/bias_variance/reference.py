"""A strong reference: another model, on the same held-out samples, does at least so well; what nobody can avoid is at most its error.

It is lent like the model itself, and stays as it is. Only a held-out split will do, because nobody knows what it was trained on.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ...engine.ambient import seeded
from ...engine.borrow import Lender
from ...engine.errors import UserMistake
from ...engine.subject import Subject
from ...engine.takes import forward_of
from ...instruments.evaluation.batches import Groups
from .pairing import Measured
from .reading import Reading

_HELD_OUT = ("train_val", "val", "test_val", "test")  # nearest to train first, because bias is counted from there


class Called(nn.Module):
    """A function where a model is expected. It takes what the model takes, and may give arrays."""

    def __init__(self, function: Callable[..., Any], model: nn.Module):
        super().__init__()
        self.forward = functools.wraps(forward_of(model))(functools.partial(_tensors, function))  # whose signature says what is input


def _tensors(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    found = function(*arguments, **keywords)
    return torch.as_tensor(found) if hasattr(found, "__array__") and not isinstance(found, Tensor) else found


def held_out(subject: Subject, given: Mapping[str, Any], reference: Any) -> str:
    """The split that the reference is measured on. A `UserMistake` where there is none, or no reference that can be asked."""
    if not callable(reference) or isinstance(reference, type):
        seen = f"the class {reference.__name__}" if isinstance(reference, type) else f"a {type(reference).__name__}"
        raise UserMistake(
            f"`reference` is {seen}", expected="a model, or a function of the same inputs that gives scores as the model does"
        )
    if reference is subject.model:
        raise UserMistake(f"`reference` is `{subject.name('model')}` itself", expected="another model")
    if subject.step is not None:
        raise UserMistake("a `step` gives a loss, and no inputs that a reference could be asked about", do="leave --reference out")
    role = next((role for role in _HELD_OUT if role in given), None)
    if role is None:
        raise UserMistake("`reference` has no held-out split to be measured on", do="name one: --val .. or --test ..")
    return role


def measured(
    subject: Subject, reference: Any, of_model: Reading, groups: Groups, *, until: float, news: Callable[[str], Any]
) -> Generator[Any, None, Measured | None]:
    """Pass over the split of the model's reading with the reference; yields the `news` of lines of progress. None where time ran out."""
    other = reference if isinstance(reference, nn.Module) else Called(reference, subject.model)
    read = Reading(of_model.role, of_model.source)
    lender = Lender(dataclasses.replace(subject, model=other, optimizer=None, scheduler=None, batch=None))
    with lender.lend() as lent:
        seeded(subject.seed)  # a shuffled loader gives the same order as before
        try:
            for samples in read.passing(lent, of_model.metric, groups, until):
                yield news(f"{samples} samples of {read.role} read with the reference")
            level = None if read.found is None else read.level(lent)
        except UserMistake as mistake:
            raise UserMistake(f"the reference: {mistake}") from None
    if level is None or not read.complete:
        return None  # another part of the split than the model was measured on
    given = f"reference, on {read.role}: what is irreducible is at most this"
    return Measured(dataclasses.replace(level, role="irreducible", given=given), read)


def time_for(subject: Subject, parts: int) -> float:
    """Until when, of `time.monotonic`, the next of so many equal parts of what is left of the time may last."""
    now = time.monotonic()
    return now + (subject.deadline - now) / parts
