"""What outputs are compared with where no loss was named: the parts of a batch that the model can't take."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ...engine.errors import UserMistake
from ...engine.split import LABELS
from ...engine.subject import Subject
from ...engine.takes import forward_of, parameters


def no_loss(output: Any, target: Any) -> Tensor:
    """Stands where a loss would, so that a batch is split into inputs and targets."""
    raise UserMistake("no loss was named", do="name it after the model, or ask for another metric: --metric error")


def with_targets(subject: Subject) -> Subject:
    """The subject, with `no_loss` where it has none and its model leaves something of a batch to be compared with.

    A model that can take the whole batch keeps a loss of its own, and is left alone.
    """
    if any(parameter.is_meta for parameter in subject.model.parameters()):
        raise UserMistake(f"`{subject.name('model')}` is on meta, where there are no numbers", expected="a trained model")
    takes, batch = parameters(forward_of(subject.model)), subject.batch
    if subject.loss_fn is not None or subject.step is not None:
        return subject
    left_over = isinstance(batch, (tuple, list)) and takes is not None and len(takes) < len(batch)
    label = next((batch[name] for name in LABELS if name in batch), None) if isinstance(batch, Mapping) else None
    one_each = isinstance(label, Tensor) and label.ndim == 1 and subject.metric is not None  # letters to come are another matter
    return dataclasses.replace(subject, loss_fn=no_loss) if left_over or one_each else subject
