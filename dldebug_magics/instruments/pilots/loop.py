"""The plain training loop of a pilot: forward pass, loss, backward pass, step, until so many samples were seen.

It is the user's program without what only their own loop knows: no schedule, no clipping, no warm-up. All runs that are compared go
through it, so that what it leaves out is left out of both.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ...engine.batch import SIZE, _is_dataset
from ...engine.call import loss_of
from ...engine.deadline import way_back_in_time
from ...engine.errors import UserMistake
from ...engine.nested import mapped, tensors
from ...engine.subject import Subject
from ..evaluation.batches import batches


def training(subject: Subject, samples: int) -> Iterator[int]:
    """Train a lent subject on its own training data, pass after pass; yields how many samples were seen after each step.

    Ends with the step in which `samples` are reached. Raises `TimeSpent` where the next pass would end behind the subject's deadline.
    """
    source, device, seen = _source(subject.train), next((p.device for p in subject.model.parameters()), None), 0
    wants_closure = takes_closure(subject.optimizer)
    while seen < samples:
        began = seen
        for batch in batches(source, subject.name("train")):
            batch = batch if device is None else mapped(batch, lambda t: t.to(device))
            _step(subject, batch, wants_closure)
            seen += count_in(batch)
            yield seen
            if seen >= samples:
                return
        if seen == began:
            raise UserMistake(f"`{subject.name('train')}` is empty: it yields no batch")


def _source(train: Any) -> Any:
    return DataLoader(train, SIZE, shuffle=True) if _is_dataset(train) else train


def _step(subject: Subject, batch: Any, wants_closure: bool) -> None:
    optimizer = subject.optimizer

    def closure() -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        with torch.enable_grad():
            loss = loss_of(subject, batch).loss
            way_back_in_time(subject)
            loss.backward()
        return loss.detach()

    if wants_closure:
        optimizer.step(closure)
    else:
        closure()
        optimizer.step()


def takes_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Whether the optimizer can't step without being told how to find the loss again, as L-BFGS can't."""
    taken = inspect.signature(type(optimizer).step).parameters.get("closure")
    return taken is not None and taken.default is taken.empty


def count_in(batch: Any) -> int:
    """How many samples a batch holds: the length of its last tensor with a first axis, the targets.

    >>> count_in((torch.zeros(7, 32, 5), torch.zeros(32))), count_in(torch.zeros(8, 2)), count_in("text")
    (32, 8, 1)
    """
    counted = [t for t in tensors(batch) if t.ndim]
    return max(1, len(counted[-1])) if counted else 1
