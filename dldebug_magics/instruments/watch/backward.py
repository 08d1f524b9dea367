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
    with wrapped(torch.autograd, "backward", lambda plain: _backward(log, gradients, plain)):
        yield


def _backward(log: Log, gradients: Gradients, plain: Callable) -> Callable:
    def backward(*args: Any, **kwargs: Any) -> Any:
        if not log.hears():
            return plain(*args, **kwargs)
        given = args[0] if args else kwargs.get("tensors")
        loss = given if isinstance(given, Tensor) else next((t for t in given or () if isinstance(t, Tensor)), None)
        retain = bool(args[2] if len(args) > 2 else kwargs.get("retain_graph"))
        noted = Backward(log.here(), _value(loss, log.close), _is_leaf(loss), loss is not None and not loss.requires_grad, retain)
        noted = noted._replace(**log.looks.before_backward(loss, log.close, retain))
        gradients.before_backward()
        log.busy, log.inside, failed, reached = True, None, True, -1
        try:
            plain(*args, **kwargs)
            failed = False
        finally:
            log.busy = False
            reached = gradients.after_backward()
            noted = noted._replace(**log.looks.after_backward(loss, log.steps, failed))
            log.losses.append(noted.loss)
            log.note(noted._replace(reached=reached, failed=failed))

    return backward


def _value(loss: Tensor | None, close: bool) -> float:
    """The loss as a number. To ask an accelerator makes it wait, which only a close look may."""
    if loss is None or loss.numel() != 1 or not (close or loss.device.type == "cpu"):
        return math.nan
    return float(loss.detach())


def _is_leaf(loss: Tensor | None) -> bool:
    return loss is not None and loss.requires_grad and loss.grad_fn is None
