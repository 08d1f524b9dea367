"""The door of optimizers: their steps, by torch's global step hooks, and what has no hook: `zero_grad`, and their being made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from torch import nn
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from .cast import stepped_by
from .gradients import Gradients
from .log import Log
from .updates import Made, ZeroGrad
from .weights import parameters
from .wrapped import family, wrapped

_CURIOUS = 2  # steps behind which the parts of models are watched, too


@contextlib.contextmanager
def watching_optimizers(log: Log, gradients: Gradients) -> Any:
    """Note each step, each clearing of gradients, and each optimizer that is made."""

    def before(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if log.noting:
            log.asks(_before, log, gradients, optimizer, args[1] if len(args) > 1 else kwargs.get("closure"))

    def after(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        log.asks(_after if log.noting else _counted, log, gradients, optimizer)

    with contextlib.ExitStack() as stack:
        stack.callback(register_optimizer_step_pre_hook(before).remove)
        stack.callback(register_optimizer_step_post_hook(after).remove)
        for kind in [*family(Optimizer, "zero_grad"), nn.Module]:
            stack.enter_context(wrapped(kind, "zero_grad", lambda plain: _clearing(log, gradients, plain)))
        stack.enter_context(wrapped(Optimizer, "__init__", lambda plain: _making(log, gradients, plain)))
        yield


def _before(log: Log, gradients: Gradients, optimizer: Optimizer, closure: Any) -> None:
    gradients.before_step(log.optimizers.number(optimizer), optimizer, closure is not None)
    if log.close:
        log.looks.moments.look(log, parameters(optimizer))


def _after(log: Log, gradients: Gradients, optimizer: Optimizer) -> None:
    number = log.optimizers.number(optimizer)
    log.looks.after_step(log.steps, log.schedulers)
    if log.looks.due(log.close, log.steps):
        log.looks.census.stepped(number, optimizer.param_groups, log.looks.is_due(log.steps))
    step = gradients.after_step(number, optimizer, log.here())
    if log.close:
        log.looks.moments.add(log, step, parameters(optimizer))
    log.step_taken(step)
    log.curious = log.steps <= _CURIOUS and log.looks.census.wonders()


def _counted(log: Log, gradients: Gradients, optimizer: Optimizer) -> None:
    """A step between close looks."""
    gradients.stepped(optimizer)
    log.count(optimizer.param_groups[0]["lr"])


def _clearing(log: Log, gradients: Gradients, plain: Callable) -> Callable:
    def zero_grad(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not log.noting:
            return plain(self, *args, **kwargs)
        before = log.asks(_first_gradient, self)
        result = plain(self, *args, **kwargs)
        log.asks(_cleared, log, gradients, self, before)
        return result

    return zero_grad


def _first_gradient(owner: Any) -> tuple[Any, Any, int] | None:
    """A parameter that has a gradient, the gradient, and how often it was written to; None where none has."""
    return next(((p, p.grad, p.grad._version) for p in parameters(owner) if p.grad is not None), None)


def _cleared(log: Log, gradients: Gradients, owner: Any, before: tuple[Any, Any, int] | None) -> None:
    """Note a clearing. A wrapper may leave one out (accelerate does, while it accumulates), or may ask the optimizer within."""
    if before is not None and before[0].grad is before[1] and before[1]._version == before[2]:
        return
    if isinstance(owner, nn.Module):
        return log.note(ZeroGrad(log.here(), model=log.models.number(owner), had=before is not None))
    number = log.optimizers.number(owner)
    gradients.follow(number, stepped_by(owner))
    last = log.events[-1] if log.events else None
    if not (isinstance(last, ZeroGrad) and stepped_by(owner) is not owner and last.optimizer == number):
        log.note(ZeroGrad(log.here(), optimizer=number, had=before is not None))


def _making(log: Log, gradients: Gradients, plain: Callable) -> Callable:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **kwargs)
        log.asks(_made, log, gradients, self)

    return __init__


def _made(log: Log, gradients: Gradients, optimizer: Any) -> None:
    log.wake()
    log.note(Made("optimizer", log.optimizers.number(optimizer), log.here(), gradients.weights.changed_by_hand(optimizer)))
