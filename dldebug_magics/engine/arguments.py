"""The exact arguments of a call, standing where a batch stands: what goes into the model and what into the loss is not guessed."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What the model was called with, and what its output was compared with; a structure of tensors like any other batch.

    >>> from .nested import mapped
    >>> import torch
    >>> mapped(Arguments((torch.zeros(1),), {"mask": None}), lambda t: t + 1)
    Arguments(positional=(tensor([1.]),), keywords={'mask': None}, targets=())
    """

    positional: tuple[Any, ...] = ()
    keywords: dict[str, Any] = dataclasses.field(default_factory=dict)
    targets: tuple[Any, ...] = ()
