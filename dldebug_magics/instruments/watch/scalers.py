"""The door of gradient scalers: mixed precision's `scale`, `unscale_`, `step` and `update`."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import torch

from .log import Log
from .updates import Scaled
from .wrapped import wrapped

_ASKED = ("scale", "unscale_", "step", "update")


@contextlib.contextmanager
def watching_scalers(log: Log) -> Any:
    """Note what a scaler is asked to do; what it does itself on the way is not noted twice."""
    depth = 0

    def asking(what: str) -> Callable[[Callable], Callable]:
        def around(plain: Callable) -> Callable:
            def ask(self: Any, *args: Any, **kwargs: Any) -> Any:
                nonlocal depth
                if log.hears() and depth == 0:
                    log.note(Scaled(log.scalers.number(self), log.here(), what, _scale(log, self)))
                depth += 1
                try:
                    return plain(self, *args, **kwargs)
                finally:
                    depth -= 1

            return ask

        return around

    with contextlib.ExitStack() as stack:
        for what in _ASKED:
            stack.enter_context(wrapped(torch.amp.GradScaler, what, asking(what)))
        yield


def _scale(log: Log, scaler: Any) -> float:
    """The factor, where asking for it makes no accelerator wait."""
    return float(scaler.get_scale()) if log.close and scaler.is_enabled() else math.nan
