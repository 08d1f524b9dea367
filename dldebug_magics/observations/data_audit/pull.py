"""What odd samples do on the model as it is: the loss of a batch with one, and how far one moves the gradient of its batch."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.examine import device_of
from ...engine.nested import copied
from ...engine.samples import items, numbered
from ...engine.subject import Subject
from .facts import Split

_BATCH = 32
_ASKED = 4  # samples at most


def loss_on(subject: Subject, batch: Any) -> float | None:
    """The loss of a batch in which something is not finite: a program that masks such values has one."""
    if batch is None:
        return None
    try:
        return float(loss_of(subject, copied(batch, device_of(subject))).loss)
    except (ValueError, RuntimeError, IndexError, TypeError):  # such as a distribution that refuses NaN: the program does not mask it
        return math.nan


def strongest(subject: Subject, split: Split | None, source: Any) -> float | None:
    """The most that a sample of train far beyond the rest moves the gradient of its batch; None if unknown, or where there is none."""
    far = {number for scale in (*split.inputs, *split.targets) for number, _, _ in scale.far} if split is not None else set()
    try:
        found = [pull(subject, source, number, far) for number in sorted(far)[:_ASKED]]
    except (ValueError, RuntimeError, IndexError, TypeError):  # the program refuses such a batch: that is not for this to say
        return None
    return max((moved for moved in found if moved is not None), default=None)


def pull(subject: Subject, source: Any, number: int, left_out: set[int]) -> float | None:
    """The change of a batch's gradient when one of its samples is exchanged for this one, in units of that gradient; None if not to be had.

    The rest of the batch are samples at even distances, without those to be left out.
    """
    data = numbered(source)
    if data is None or subject.optimizer is None:
        return None
    usual = [n for n in range(len(data.dataset)) if n not in left_out]
    rows = [usual[i * len(usual) // _BATCH] for i in range(_BATCH)]
    without, beside = (_gradient(subject, data.collate(items(data.dataset, chosen))) for chosen in (rows, [number, *rows[1:]]))
    if without is None or beside is None or not float(without.norm()):
        return None
    moved = float((beside - without).norm() / without.norm())
    return moved if math.isfinite(moved) else math.inf


def _gradient(subject: Subject, batch: Any) -> Tensor | None:
    """The gradient of a batch's loss, as one long row."""
    held = [p for group in subject.optimizer.param_groups for p in group["params"] if p.requires_grad]
    seeded(subject.seed)
    with torch.enable_grad():
        loss = loss_of(subject, copied(batch, device_of(subject))).loss
        found = torch.autograd.grad(loss, held, allow_unused=True) if loss.requires_grad else ()
    rows = [g.flatten().float() for g in found if g is not None]
    return torch.cat(rows) if rows else None
