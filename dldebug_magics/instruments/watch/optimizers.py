"""The door of optimizers: their steps, by torch's global step hooks, and what has none: `zero_grad`, and their being made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from torch import nn
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from .gradients import Gradients
from .log import Log
from .updates import Made, Stepped, ZeroGrad
from .wrapped import family, wrapped


@contextlib.contextmanager
def watching_optimizers(log: Log, gradients: Gradients) -> Any:
    """Note each step, each clearing of gradients, and each optimizer that is made."""

    def before(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if log.hears():
            closure = args[1] if len(args) > 1 else kwargs.get("closure")  # the first is the optimizer itself
            gradients.before_step(log.optimizers.number(optimizer), optimizer, closure is not None)

    def after(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if log.hears():
            log.inside = None
            number = log.optimizers.number(optimizer)
            step = Stepped(number, log.here(3), float(optimizer.param_groups[0]["lr"]), 0)
            log.looks.window.close()
            log.looks.after_step(log.steps)
            log.step_taken(gradients.after_step(number, optimizer, step))

    with contextlib.ExitStack() as stack:
        stack.callback(register_optimizer_step_pre_hook(before).remove)
        stack.callback(register_optimizer_step_post_hook(after).remove)
        for kind in family(Optimizer, "zero_grad"):
            stack.enter_context(wrapped(kind, "zero_grad", lambda plain: _zero_grad(log, gradients, plain)))
        stack.enter_context(wrapped(nn.Module, "zero_grad", lambda plain: _zero_grad(log, gradients, plain)))
        stack.enter_context(wrapped(Optimizer, "__init__", lambda plain: _made(log, gradients, plain)))
        yield


def _zero_grad(log: Log, gradients: Gradients, plain: Callable) -> Callable:
    def zero_grad(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not log.hears():
            return plain(self, *args, **kwargs)
        owner = isinstance(self, Optimizer)
        number = log.optimizers.number(self) if owner else log.models.number(self)
        if owner:
            gradients.follow(number, self)
        held = gradients.holds(self)
        try:
            return plain(self, *args, **kwargs)
        finally:
            log.note(ZeroGrad(log.here(), number if owner else -1, -1 if owner else number, held))

    return zero_grad


def _made(log: Log, gradients: Gradients, plain: Callable) -> Callable:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **kwargs)
        if log.hears():
            log.note(Made("optimizer", log.optimizers.number(self), log.here(), gradients.weights.changed_by_hand(self)))

    return __init__
