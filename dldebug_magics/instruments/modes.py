"""A model in training or in evaluation for as long as somebody looks; each of its modules is then in the mode that it was in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from torch import nn


@contextlib.contextmanager
def in_mode(model: nn.Module, training: bool) -> Iterator[None]:
    """The mode that is wanted inside, and the old ones afterwards.

    >>> net = nn.Linear(2, 1).eval()
    >>> with in_mode(net, training=True):
    ...     net.training
    True
    >>> net.training
    False
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.train(training)
        yield
    finally:
        for module, before in modes:
            module.training = before
