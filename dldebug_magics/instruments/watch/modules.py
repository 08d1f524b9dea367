"""The door of models: their forward passes, at the call of a module, and their modes, at `train`, which `eval` calls, too."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ...engine.nested import tensors
from .compiled import is_compiled
from .contents import content_of
from .events import Forward, Mode
from .facts import mode_layers
from .log import Log
from .wrapped import wrapped


@contextlib.contextmanager
def watching_modules(log: Log) -> Any:
    """Note each forward pass of a model that no other model called, and each change of mode."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(wrapped(nn.Module, "__call__", lambda plain: _calling(log, plain)))
        stack.enter_context(wrapped(nn.Module, "train", lambda plain: _train(log, plain)))
        yield


def _calling(log: Log, plain: Callable) -> Callable:
    """Torch's global module hooks would do, at twice the cost: with a hook anywhere each call of each layer goes a longer way."""
    direct = plain is getattr(nn.Module, "_wrapped_call_impl", None)

    def __call__(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if log.inside:
            if log.curious and not torch.compiler.is_compiling():
                log.asks(log.looks.census.calls, self, log.here)
            if direct and self._compiled_call_impl is None:
                return self._call_impl(*args, **kwargs)  # what `plain` does, without the longer way
        if log.inside or torch.compiler.is_compiling() or not log.hears():
            return plain(self, *args, **kwargs)
        log.inside, log.running = True, self
        if (log.looks.window.is_open or log.looks.scores.is_open) and next(self.parameters(), None) is not None:
            log.looks.shut()
        if log.looks.window.inward and log.close:
            log.asks(_look_within, log, self)
        try:
            result = plain(self, *args, **kwargs)
        finally:
            log.inside, log.running = False, None
        if log.noting or (_is_unusual(log, self) and log.wake()):
            log.asks(_passed, log, self, (args, kwargs), result)
            log.asks(log.looks.ran, self, result, log.close, log.steps)
        return result

    return __call__


def _look_within(log: Log, model: nn.Module) -> None:
    """The loss is made within the model: look at what it calls, where no compiler is disturbed."""
    if log.looks.due(log.close, log.steps) and torch.is_grad_enabled() and not any(map(is_compiled, model.modules())):
        log.looks.window.reopen(within=True)


def _is_unusual(log: Log, module: nn.Module) -> bool:
    """Whether a pass is without gradients, or in another mode than those that trained; where no parameter takes part, it is never."""
    other = not torch.is_grad_enabled() or module.training is not log.totals.usual_mode
    return other and bool(module._parameters or module._modules)


def _train(log: Log, plain: Callable) -> Callable:
    depth = 0

    def train(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        nonlocal depth
        depth, before = depth + 1, self.training
        try:
            return plain(self, *args, **kwargs)
        finally:
            depth -= 1
            if depth == 0 and (log.noting or self.training is not before):  # some trainers say it before each batch
                log.asks(_set, log, self)

    return train


def _set(log: Log, module: nn.Module) -> None:
    log.wake()
    log.note(Mode(log.models.number(module), log.here(), module.training))


def _passed(log: Log, module: nn.Module, given: Any, result: Any) -> None:
    """Note a forward pass; what costs time is asked only at close looks."""
    if torch.jit.is_tracing():
        return  # what would be asked of the tensors would become part of the trace
    tracked = result.requires_grad if isinstance(result, Tensor) else any(t.requires_grad for t in tensors(result))
    number, loader = log.models.number(module), log.totals.last_loader
    if number not in log.looks.known:
        log.looks.meet(number, log.models.parts[number].name)
    if not log.close:
        return log.note(Forward(number, log.here(), torch.is_grad_enabled(), tracked, module.training, loader=loader))
    entering = list(tensors(given))
    active = sum(layer.training for layer in mode_layers(module))
    asks = any(t.requires_grad and t.is_leaf for t in entering)
    content = content_of(entering)
    state = 0 if tracked and module.training else content_of(_some(module))
    seen = Forward(number, log.here(), torch.is_grad_enabled(), tracked, module.training, active, content, asks, loader, state)
    if tracked:
        log.totals.graphs.passed(number, seen.line, result)
    log.note(seen)


def _some(module: nn.Module) -> list[Tensor]:
    """The first and the last weights, which tell whether any were trained."""
    weights: list[Tensor] = [p for p in module.parameters() if not nn.parameter.is_lazy(p)]
    return weights[:4] + weights[4:][-4:]
