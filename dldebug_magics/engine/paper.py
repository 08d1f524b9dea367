"""A program on paper: the same modules, loss and optimizer, on tensors that have a shape and take no memory.

What would need the memory that it is about must not be tried out on a real copy. Torch's fake tensors go through the same operations as
real ones, autograd and optimizer too, and hold nothing. Where a program looks at its numbers (`.item()`, a mask) paper has none to show:
it is lent for real then, for runs of some samples.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from . import ambient, snapshot
from .borrow import Lender
from .call import loss_of
from .interrupts import held_at_exit
from .nested import tensors
from .reach import reached
from .subject import Subject

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
                stack.enter_context(_quiet())
                yield sheet(self.subject)

    def _will_do(self) -> bool:
        """Whether the program can be copied onto paper, leads to nothing that is trained elsewhere, and runs there.

        A crash of its own is no matter of paper: it is observed there as well.
        """
        if self.subject.step is not None:
            return False
        with ambient.restored(self.subject), torch.inference_mode(False), _quiet():
            try:
                lent = sheet(self.subject)
            except Exception:  # what can't be copied says so in its own way
                return False
            if any(isinstance(t, Tensor) and t.requires_grad and not _is_paper(t) for t in reached(snapshot.roots(lent))):
                return False
            try:
                with on(lent), torch.no_grad():
                    loss_of(lent)
            except Exception as error:
                return not any(type(e).__name__ in _NUMBERS_WANTED for e in (error, error.__cause__, error.__context__))
            return True


def sheet(subject: Subject) -> Subject:
    """A copy of the subject on paper, tied together as the original is; of one that is on paper, another sheet."""
    mode = mode_of(subject) or _new_mode()
    taken = [*snapshot.owned(subject), *tensors([subject.batch, subject.val])]
    memo = {id(t): _as_paper(t, mode) for t in taken if not _is_paper(t) and not nn.parameter.is_lazy(t)}
    roles = ("model", "loss_fn", "optimizer", "scheduler", "batch", "val")
    with _quiet(), mode:
        copies = copy.deepcopy([getattr(subject, role) for role in roles], memo)
    return dataclasses.replace(subject, **dict(zip(roles, copies, strict=True)))


def mode_of(subject: Subject) -> Any:
    """The mode in which a subject on paper runs; None for a real one."""
    places = (*subject.model.parameters(), *subject.model.buffers(), *tensors(subject.batch))
    return next((t.fake_mode for t in places if _is_paper(t)), None)


def on(subject: Subject) -> contextlib.AbstractContextManager:
    """The context in which passes of the subject stay on paper, if it is on paper."""
    return mode_of(subject) or contextlib.nullcontext()


def _new_mode() -> Any:
    from torch._subclasses.fake_tensor import FakeTensorMode

    return FakeTensorMode(allow_non_fake_inputs=True)


def _is_paper(tensor: Tensor) -> bool:
    return hasattr(tensor, "fake_mode")


def _as_paper(tensor: Tensor, mode: Any) -> Tensor:
    """A tensor's like on paper. One on the meta device, which is nowhere, is taken to be meant for the CPU."""
    if tensor.device.type != "meta":
        return mode.from_tensor(tensor.detach().requires_grad_(tensor.requires_grad) if not tensor.is_leaf else tensor)
    with mode:
        made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cpu")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(made, requires_grad=tensor.requires_grad)
    return made.requires_grad_(tensor.requires_grad)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Torch warns of tensors that have no place in memory, and logs what fails on paper before it raises it."""
    log = logging.getLogger("torch._subclasses.fake_tensor")
    before = log.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.disabled = True
        try:
            yield
        finally:
            log.disabled = before
