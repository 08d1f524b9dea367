"""The door of backward passes: `torch.autograd.backward`, which `loss.backward()` calls, too."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .events import Backward
from .gradients import Gradients
from .log import Log
from .wrapped import wrapped


@contextlib.contextmanager
def watching_backward(log: Log, gradients: Gradients) -> Any:
    """Note each backward pass, its loss, and what it added to the gradients."""
    with (
        wrapped(torch.autograd, "backward", lambda plain: _backward(log, gradients, plain)),
        wrapped(torch.autograd, "grad", lambda plain: _grad(log, plain)),
    ):
        yield


def _grad(log: Log, plain: Callable) -> Callable:
    def grad(*args: Any, **kwargs: Any) -> Any:
        log.totals.asked += 1
        return plain(*args, **kwargs)

    return grad


def _backward(log: Log, gradients: Gradients, plain: Callable) -> Callable:
    def backward(*args: Any, **kwargs: Any) -> Any:
        if not log.hears():
            return plain(*args, **kwargs)
        if log.noting:
            log.asks(gradients.before_backward)
        log.busy, log.inside, failed = True, False, True
        try:
            plain(*args, **kwargs)
            failed = False
        finally:
            log.busy, log.learning = False, True
            log.asks(_passed, log, gradients, args, kwargs, failed)

    return backward


def _passed(log: Log, gradients: Gradients, args: Any, kwargs: Any, failed: bool) -> None:
    given = args[0] if args else kwargs.get("tensors")
    loss = given if isinstance(given, Tensor) else next((t for t in given or () if isinstance(t, Tensor)), None)
    value = _value(loss, log.close)
    log.losses.append(value)
    if not log.noting:
        return
    tracked, retain = loss is not None and loss.requires_grad, bool(args[2] if len(args) > 2 else kwargs.get("retain_graph"))
    leaf, detached = loss is not None and tracked and loss.is_leaf, loss is not None and not tracked
    log.note(Backward(log.here(), value, leaf, detached, retain, gradients.after_backward(), failed))


def _value(loss: Tensor | None, close: bool) -> float:
    """The loss as a number. To ask an accelerator makes it wait, which only a close look may."""
    if loss is None or not (close or loss.is_cpu) or loss.numel() != 1:
        return math.nan
    return float(loss.item())
