"""The door of backward passes: `torch.autograd.backward`, which `loss.backward()` calls, too."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from math import isfinite, nan
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
    with contextlib.ExitStack() as stack:
        stack.enter_context(wrapped(Tensor, "backward", lambda plain: _called(log, plain)))
        stack.enter_context(wrapped(torch.autograd, "grad", lambda plain: _grad(log, plain)))
        stack.enter_context(wrapped(torch.autograd, "backward", lambda plain: _backward(log, gradients, plain)))
        yield


def _called(log: Log, plain: Callable) -> Callable:
    """Outside of torch's function door, which the window between the passes hangs in: here it can be taken off its hinges."""

    def backward(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if log.looks.window.is_open or log.looks.scores.is_open:
            log.looks.shut()
        return plain(self, *args, **kwargs)

    return backward


def _grad(log: Log, plain: Callable) -> Callable:
    def grad(*args: Any, **kwargs: Any) -> Any:
        log.totals.asked += 1
        return plain(*args, **kwargs)

    return grad


def _backward(log: Log, gradients: Gradients, plain: Callable) -> Callable:
    def backward(*args: Any, **kwargs: Any) -> Any:
        if not log.hears():
            return plain(*args, **kwargs)
        loss = _loss(args, kwargs)
        value, retain, told = _value(loss, log.close), False, None
        if log.noting:
            retain = bool(args[2] if len(args) > 2 else kwargs.get("retain_graph"))
            told = log.asks(_before, log, gradients, loss, value, retain)
        elif not isfinite(value) and log.looks.spoilt is None:
            log.asks(_spoilt, log, loss)
        log.busy, log.inside, failed = True, False, True
        try:
            plain(*args, **kwargs)
            failed = False
        finally:
            log.busy, log.learning = False, True
            if log.noting or failed:
                log.asks(_passed, log, gradients, loss, Backward(log.here.nowhere, value, retain=retain, failed=failed, **(told or {})))
            else:
                log.losses.append(value)

    return backward


def _before(log: Log, gradients: Gradients, loss: Tensor | None, value: float, retain: bool) -> dict[str, Any]:
    """A pass that is noted begins; the models that ran before it are those that it trains."""
    if not isfinite(value) and log.looks.spoilt is None:
        _spoilt(log, loss)
    told = log.looks.before_backward(loss, log.looks.due(log.close, log.steps), retain)
    _meets(log)
    gradients.before_backward()
    return told


def _spoilt(log: Log, loss: Tensor | None) -> None:
    """The first loss that is no number."""
    _meets(log)
    log.looks.spoil(loss, log.close, log.steps)


def _meets(log: Log) -> None:
    """The models that ran before a backward pass are those that it trains."""
    for number in log.totals.modes if log.looks.due(log.close, log.steps) else ():
        log.looks.census.meet(number, log.models.parts[number].thing())


def _loss(args: Any, kwargs: Any) -> Tensor | None:
    given = args[0] if args else kwargs.get("tensors")
    return given if isinstance(given, Tensor) else next((t for t in given or () if isinstance(t, Tensor)), None)


def _passed(log: Log, gradients: Gradients, loss: Tensor | None, seen: Backward) -> None:
    log.losses.append(seen.loss)
    told = log.looks.after_backward(loss, log.steps, seen.failed)
    tracked = loss is not None and loss.requires_grad
    leaf, detached = loss is not None and tracked and loss.is_leaf, loss is not None and not tracked
    due = log.looks.due(log.close, log.steps)
    reached = gradients.after_backward(due)
    if due:
        log.looks.census.passed()
    log.note(seen._replace(line=log.here(), leaf=leaf or seen.leaf, detached=detached, reached=reached, **told))


def _value(loss: Tensor | None, close: bool) -> float:
    """The loss as a number. To ask an accelerator makes it wait, which only a close look may."""
    if loss is None or not (close or loss.is_cpu) or loss.numel() != 1:
        return nan
    return float(loss.item())
