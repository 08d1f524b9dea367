"""The door of models: their forward passes, by torch's global module hooks, and their modes, at `train`, which `eval` calls, too."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from ...engine.nested import tensors
from .contents import content_of
from .events import Forward, Mode
from .facts import mode_layers
from .log import Log
from .wrapped import wrapped


@contextlib.contextmanager
def watching_modules(log: Log) -> Any:
    """Note each forward pass of a model that no other model called, and each change of mode."""

    def begins(module: nn.Module, given: Any) -> None:
        if log.inside is None and not torch.compiler.is_compiling() and log.hears():
            log.inside = module
            if log.looks.window.is_open and next(module.parameters(), None) is not None:
                log.looks.window.shut()

    def ends(module: nn.Module, given: Any, result: Any) -> None:
        if module is log.inside and not torch.compiler.is_compiling():
            log.inside = None
            if result is not None:
                log.note(_forward(log, module, given, result))
                if log.close and torch.is_grad_enabled():
                    log.looks.window.open(result)

    with contextlib.ExitStack() as stack:
        stack.callback(register_module_forward_pre_hook(begins).remove)
        stack.callback(register_module_forward_hook(ends, always_call=True).remove)
        stack.enter_context(wrapped(nn.Module, "train", lambda plain: _train(log, plain)))
        yield


def _train(log: Log, plain: Callable) -> Callable:
    depth = 0

    def train(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        nonlocal depth
        depth += 1
        try:
            return plain(self, *args, **kwargs)
        finally:
            depth -= 1
            if depth == 0 and log.hears():
                log.note(Mode(log.models.number(self), log.here(), self.training))

    return train


def _forward(log: Log, module: nn.Module, given: Any, result: Any) -> Forward:
    """The record of a forward pass; what costs time is asked only at close looks, and at the first pass of an evaluation."""
    grad, number = torch.is_grad_enabled(), log.models.number(module)
    plain = Forward(number, log.here(3), grad, _tracked(result), module.training, loader=log.totals.last_loader)
    if not log.close:
        return plain
    entering = list(tensors(given))
    active = sum(layer.training for layer in mode_layers(module))
    asks = any(t.requires_grad and t.is_leaf for t in entering)
    return plain._replace(active=active, content=content_of(entering), leaf_inputs=asks)


def _tracked(result: Any) -> bool:
    """Whether an output has a graph behind it."""
    if isinstance(result, Tensor):
        return result.requires_grad
    return any(t.requires_grad for t in tensors(result))
