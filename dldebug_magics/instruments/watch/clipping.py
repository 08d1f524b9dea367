"""The door of gradient clipping: `clip_grad_norm_` and `clip_grad_value_`, also where they were imported by name."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad

from .log import Log
from .updates import Clip
from .wrapped import wrapped


@contextlib.contextmanager
def watching_clipping(log: Log) -> Any:
    """Note each clipping. A function imported by name is seen at the helper that it calls, where this torch has one."""
    with contextlib.ExitStack() as stack:
        for owner in (torch.nn.utils, clip_grad):
            if not hasattr(clip_grad, "_clip_grads_with_norm_"):
                stack.enter_context(wrapped(owner, "clip_grad_norm_", lambda plain: _clipper(log, "norm", plain)))
            stack.enter_context(wrapped(owner, "clip_grad_value_", lambda plain: _clipper(log, "value", plain)))
        if hasattr(clip_grad, "_clip_grads_with_norm_"):
            stack.enter_context(wrapped(clip_grad, "_clip_grads_with_norm_", lambda plain: _by_norm(log, plain)))
        yield


def _clipper(log: Log, by: str, plain: Callable) -> Callable:
    def clip(*args: Any, **kwargs: Any) -> Any:
        given = args[0] if args else kwargs.pop("parameters")
        chosen = [given] if isinstance(given, Tensor) else list(given)  # it may be a generator, which can be read once
        limit = args[1] if len(args) > 1 else kwargs.get("max_norm", kwargs.get("clip_value"))
        empty = log.noting and not _any_gradient(chosen)
        norm = plain(chosen, *args[1:], **kwargs)
        if log.noting:
            log.asks(_clipped, log, by, limit, norm, empty)
        return norm

    return clip


def _by_norm(log: Log, plain: Callable) -> Callable:
    def clip(parameters: Any, max_norm: float, total_norm: Tensor, *args: Any, **kwargs: Any) -> Any:
        chosen = [parameters] if isinstance(parameters, Tensor) else list(parameters)
        if log.noting:
            log.asks(_clipped, log, "norm", max_norm, total_norm, not _any_gradient(chosen))
        return plain(chosen, max_norm, total_norm, *args, **kwargs)

    return clip


def _any_gradient(parameters: list[Tensor]) -> bool:
    return any(p.grad is not None for p in parameters)


def _clipped(log: Log, by: str, limit: Any, norm: Any, empty: bool) -> None:
    """Note a clipping. A norm is asked for only where that makes no accelerator wait."""
    asked = isinstance(norm, Tensor) and (log.close or norm.device.type == "cpu")
    log.note(Clip(log.here(), by, float(limit), float(norm) if asked else math.nan, empty))
