"""Who lends a program on paper: no number in it, and no memory used. For real where paper won't do.

Where a program or its optimizer looks at its numbers (`.item()`, a mask) paper has none to show: it is lent for real then, for runs of
some samples. An optimizer that torch's copying leaves incomplete is such a case, too.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor

from . import ambient, snapshot
from .borrow import Lender
from .call import loss_of
from .interrupts import held_at_exit
from .paper import is_paper, on, quiet, sheet
from .reach import reached
from .subject import Subject
from .twin import complete

_NUMBERS_WANTED = ("DataDependentOutputException", "DynamicOutputShapeException", "UnsupportedOperatorException")


class Paper:
    """Lends the subject on paper, each loan a sheet of its own; for real, under a snapshot or as a copy, where paper won't do."""

    def __init__(self, subject: Subject):
        self.subject = subject
        self.real: Lender | None = None if self._will_do() else Lender(dataclasses.replace(subject, batch=None))

    @contextlib.contextmanager
    def lend(self) -> Iterator[Subject]:
        """A loan; afterwards everything is as it was, however the block ends."""
        with held_at_exit() as stack:
            stack.enter_context(ambient.restored(self.subject))
            if self.real is not None:
                yield dataclasses.replace(stack.enter_context(self.real.lend()), batch=self.subject.batch)
            else:
                stack.enter_context(torch.inference_mode(False))
                stack.enter_context(quiet())
                yield sheet(self.subject)

    def _will_do(self) -> bool:
        """Whether the program can be copied whole onto paper, leads to nothing that is trained elsewhere, and takes a step there.

        A crash of its own is no matter of paper: it is observed there as well.
        """
        if self.subject.step is not None:
            return False
        with ambient.restored(self.subject), torch.inference_mode(False), quiet():
            try:
                lent = sheet(self.subject)
            except Exception:  # what can't be copied says so in its own way
                return False
            if not complete(getattr(self.subject.optimizer, "__dict__", {}), lent.optimizer):
                return False
            if any(isinstance(t, Tensor) and t.requires_grad and not is_paper(t) for t in reached(snapshot.roots(lent))):
                return False
            try:
                with on(lent):
                    _step(lent)
            except Exception as error:
                return not any(type(e).__name__ in _NUMBERS_WANTED for e in (error, error.__cause__, error.__context__))
            return True


def _step(lent: Subject) -> None:
    """Forward, backward, and a step: an optimizer may look at numbers where the model does not."""
    loss = loss_of(lent).loss
    if lent.optimizer is not None and loss.requires_grad:
        loss.backward()
        lent.optimizer.step(lambda: loss)
