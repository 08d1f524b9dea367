"""Something to train on where no loss was named: a plan needs a backward pass, and what it starts from matters little."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ...engine.batch import draw
from ...engine.call import own_loss
from ...engine.nested import tensors
from ...engine.split import LABELS
from ...engine.subject import Subject


def with_some_loss(subject: Subject, **options: object) -> Subject:
    """The subject to plan. A model that is given its labels has a loss of its own, and keeps it."""
    if subject.loss_fn is not None or subject.step is not None or subject.train is None:
        return subject
    batch = draw(subject, 1)
    labelled = isinstance(batch, Mapping) and any(name in batch for name in LABELS)
    return subject if labelled else dataclasses.replace(subject, loss_fn=of_all_outputs)


def of_all_outputs(output: Any) -> Tensor:
    """The model's own loss where it gives one; else a number that needs every output, as any loss would.

    >>> import torch
    >>> of_all_outputs((torch.ones(2, 2), torch.ones(3)))
    tensor(2.)
    """
    own = own_loss(output)
    if own is not None:
        return own
    return sum((t.float().mean() for t in tensors(output) if t.is_floating_point()), start=next(tensors(output)).new_zeros(()))
