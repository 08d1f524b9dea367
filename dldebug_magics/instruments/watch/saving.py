"""The door of `state_dict`: which weights a loop keeps, as far as that is asked while the log is noting anyway, as after an evaluation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from torch import nn

from .log import Log
from .updates import Saved
from .wrapped import wrapped


@contextlib.contextmanager
def watching_saving(log: Log) -> Any:
    """Note where a model is asked for its weights; that it asks its parts in turn is no matter."""

    def asking(plain: Callable) -> Callable:
        def state_dict(self: Any, *args: Any, **kwargs: Any) -> Any:
            if log.noting and not args and "destination" not in kwargs:
                log.asks(_asked, log, self)
            return plain(self, *args, **kwargs)

        return state_dict

    with wrapped(nn.Module, "state_dict", asking):
        yield


def _asked(log: Log, model: nn.Module) -> None:
    log.note(Saved(log.here(), log.models.number(model)))
