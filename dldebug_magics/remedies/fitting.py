"""Whether a change fits a program: it is tried on a copy, for one step on a few samples, before a pilot is spent on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from ..engine.batch import draw
from ..engine.borrow import Lender
from ..engine.call import forward, loss_of
from ..engine.deadline import TimeSpent
from ..engine.nested import mapped, tensors
from ..engine.remedy import Change, NotPiloted
from ..engine.samples import numbered, portions
from ..engine.subject import Subject

_SAMPLES = 64  # of each split, for the trial
_SPLITS = ("train", "train_val", "val", "test_val", "test")


def fitting(subject: Subject, *wanted: Sequence[Change], why: str) -> Iterator[Change | NotPiloted]:
    """Of each list of alternatives the first change with which the program runs; `why` there is none, where there is none."""
    lender, found, crash = Lender(subject), False, ""
    for alternatives in wanted:
        for change in alternatives:
            with lender.lend() as lent:
                crash = _crash(_small(lent), change)
            if not crash:
                found = True
                yield change
                break
    if not found:
        yield NotPiloted(f"{why}{f' ({crash})' if crash else ''}", fits=False)


def _crash(subject: Subject, change: Change) -> str:
    """What goes wrong in one step of training and one pass of evaluation with the change; empty where nothing does."""
    shapes, old = _shapes(subject), {id(p) for p in subject.model.parameters()}
    try:
        changed = change.before(subject)
        batch = subject.batch if changed.train is subject.train else _beside(changed, draw(changed))
        changed.model.train()
        with torch.enable_grad():
            loss = loss_of(changed, batch).loss
            loss.backward()
        idle = [name for name, p in changed.model.named_parameters() if p.requires_grad and p.grad is None and id(p) not in old]
        changed.optimizer.step(lambda: loss) if changed.optimizer is not None else None
        shown = _shapes(change.after(changed))
    except TimeSpent:
        raise
    except Exception as error:  # the user's code does not take the change: that is what was asked
        return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
    if idle:
        return f"`{idle[0]}` would not be used"
    return "" if shapes == shown else f"the outputs would have shapes {shown}, not {shapes}"


def _beside(subject: Subject, batch: Any) -> Any:
    """The batch on the model's device."""
    device = next((p.device for p in subject.model.parameters()), None)
    return batch if device is None else mapped(batch, lambda tensor: tensor.to(device))


def _shapes(subject: Subject) -> list[tuple[int, ...]]:
    """The shapes of the outputs in evaluation; of the loss where a program gives nothing else."""
    subject.model.eval()
    with torch.no_grad():
        if subject.step is None:
            return [tuple(t.shape) for t in tensors(forward(subject, subject.batch)[0])]
    with torch.enable_grad():
        return [tuple(loss_of(subject).loss.shape)]


def _small(subject: Subject) -> Subject:
    """The subject with a few samples of each split."""
    return dataclasses.replace(subject, **{role: _few(getattr(subject, role)) for role in _SPLITS})


def _few(source: Any) -> Any:
    data = numbered(source)
    if data is None or isinstance(source, Tensor):
        return source if source is None else next((portion.batch for portion in portions(source, _SAMPLES)), source)
    count = min(_SAMPLES, len(data.dataset))
    numbers = [number * len(data.dataset) // count for number in range(count)]
    return DataLoader(Subset(data.dataset, numbers), min(data.batch_size, count), collate_fn=data.collate)
