"""Borrowing: how a diagnosis gets a model to train without leaving a trace on the user's.

Copy when it fits and can be done, else write everything down and restore it. A copy that still reaches the user's tensors (a loss that
closes over the model, a forward that reads a global) is not used; the snapshot way is taken instead. What a copy shares with the original
beside tensors (a list that a hook appends to) is written down and restored.
"""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from . import ambient, snapshot
from .call import loss_of
from .elsewhere import on_device
from .graph import leaves
from .interrupts import held_at_exit
from .nested import tensors
from .reach import reached
from .subject import Subject
from .twin import copy_of


class Lender:
    """Hands out subjects that may be trained, changed and broken. The way, copy or snapshot, is found out once.

    `copies` says which; `beyond` holds what both the copy and the original lead to, and the tensors that a backward pass reaches outside
    of model, loss and optimizer: all of that is restored as well.
    """

    def __init__(self, subject: Subject):
        self.subject = subject
        self.beyond: list[Any] = []
        self.copies = False
        with held_at_exit() as stack:
            stack.enter_context(ambient.restored(subject))
            stack.enter_context(_no_inference())
            twin = copy_of(subject)
            if twin is not None:
                self.beyond = [*_shared(subject, twin), *_leaves_beyond(twin)]
                mine = {
                    id(thing) for thing in (*snapshot.owned(subject), *snapshot.modules(subject), subject.optimizer) if thing is not None
                }
                self.copies = not any(id(thing) in mine for thing in self.beyond)
            if not self.copies:
                self.beyond = [*_leaves_beyond(subject)]

    @contextlib.contextmanager
    def lend(self) -> Iterator[Subject]:
        """A loan: afterwards everything is as it was, however the block ends."""
        with held_at_exit() as stack:
            stack.enter_context(ambient.restored(self.subject))
            stack.enter_context(_no_inference())
            stack.callback(_restore_modes, [(module, module.training) for module in snapshot.modules(self.subject)])
            lent = copy_of(self.subject) if self.copies else None
            lent = on_device(lent) if lent is not None else None
            kept = nothing(self.subject) if lent is not None else self.subject
            stack.enter_context(snapshot.restored(kept, self.beyond))
            yield lent or self.subject


def nothing(subject: Subject) -> Subject:
    """The subject without its objects: what is left to snapshot beside a copy."""
    return dataclasses.replace(subject, model=nn.Identity(), loss_fn=None, optimizer=None, scheduler=None, step=None)


def _restore_modes(modes: list[tuple[nn.Module, bool]]) -> None:
    """A traced module shares its mode with its copies: what `eval()` does to one it does to all."""
    for module, training in modes:
        if module.training is not training:
            module.training = training


def _no_inference() -> contextlib.AbstractContextManager:
    """Nothing can be trained in inference mode, in which a notebook may well stand; where it is off, grad mode is left alone."""
    return torch.inference_mode(False) if torch.is_inference_mode_enabled() else contextlib.nullcontext()


def _shared(subject: Subject, twin: Subject) -> list[Any]:
    """What a copy leads to that is the original's, too."""
    original = {id(thing) for thing in reached(snapshot.roots(subject))}
    return [thing for thing in reached(snapshot.roots(twin)) if id(thing) in original]


def _leaves_beyond(subject: Subject) -> list[Tensor]:
    """Leaves of the loss's graph that belong to neither model, loss nor optimizer (a global network, a captured tensor)."""
    if subject.batch is None or any(t.is_meta for t in tensors(subject.batch)):  # without numbers no backward pass is run
        return []
    with snapshot.restored(subject), ambient.restored(subject), warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")
        try:
            reached_by_gradient = leaves(loss_of(subject).loss)
        except Exception:  # a model that crashes here crashes again where it is observed, and is reported there
            return []
        own = {id(t) for t in snapshot.owned(subject)}
    return [t for t in reached_by_gradient if id(t) not in own]
