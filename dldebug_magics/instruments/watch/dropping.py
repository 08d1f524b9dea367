"""The door of dropout: where something is dropped though the model that runs is in evaluation mode.

Layers and functions alike end in one function of torch's, below the names that a user may have imported.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from torch import _VF, nn

from .log import Log
from .totals import Dropped
from .wrapped import wrapped

DROPOUTS = ("dropout", "dropout_", "feature_dropout", "alpha_dropout")
_LAYER = nn.modules.dropout._DropoutNd


@contextlib.contextmanager
def watching_dropout(log: Log) -> Any:
    """Note each line that drops in evaluation mode, once."""
    with contextlib.ExitStack() as stack:
        for name in DROPOUTS:
            stack.enter_context(wrapped(_VF, name, lambda plain: _dropping(log, plain)))
        yield


def _dropping(log: Log, plain: Callable) -> Callable:
    def dropout(given: Any, p: float, train: bool) -> Any:
        if train and log.noting and log.running is not None and not log.running.training:
            log.asks(_dropped, log, p, sys._getframe(1))
        return plain(given, p, train)

    return dropout


def _dropped(log: Log, p: float, frame: FrameType) -> None:
    layer = frame.f_back.f_locals.get("self") if frame.f_back is not None else None
    built = isinstance(layer, _LAYER)
    if p > 0 and not (built and any(layer is module for module in log.running.modules())):
        log.totals.drops(Dropped(log.models.number(log.running), log.here(), float(p), built))
