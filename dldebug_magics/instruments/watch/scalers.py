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
                if depth == 0 and log.noting:
                    log.asks(_asked, log, self, what)
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


def _asked(log: Log, scaler: Any, what: str) -> None:
    """Note the asking; the factor is read at close looks alone, since an accelerator has to be waited for."""
    scale = float(scaler.get_scale()) if log.close and scaler.is_enabled() else math.nan
    log.note(Scaled(log.scalers.number(scaler), log.here(), what, scale))
