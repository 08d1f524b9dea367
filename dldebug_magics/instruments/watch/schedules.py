"""The door of schedulers: their steps, and their being made. Torch has no hook for either."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from torch.optim.lr_scheduler import LRScheduler

from .events import Made, Scheduled
from .log import Log
from .wrapped import family, wrapped


@contextlib.contextmanager
def watching_schedules(log: Log) -> Any:
    """Note each step of a scheduler that no other scheduler asked for; the one that its making takes is part of the making."""
    inside: list[Any] = []

    def stepping(plain: Callable) -> Callable:
        def step(self: Any, *args: Any, **kwargs: Any) -> Any:
            inside.append(self)
            try:
                return plain(self, *args, **kwargs)
            finally:
                inside.pop()
                if not inside and log.hears():
                    log.note(Scheduled(log.schedulers.number(self), log.here(), _rate(self)))

        return step

    def making(plain: Callable) -> Callable:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            inside.append(self)
            try:
                plain(self, *args, **kwargs)
            finally:
                inside.pop()
            if not inside and log.hears():
                log.note(Made("scheduler", log.schedulers.number(self), log.here()))

        return __init__

    with contextlib.ExitStack() as stack:
        for kind in family(LRScheduler, "step"):
            stack.enter_context(wrapped(kind, "step", stepping))
        for kind in family(LRScheduler, "__init__"):
            stack.enter_context(wrapped(kind, "__init__", making))
        yield


def _rate(scheduler: Any) -> float:
    owner = getattr(scheduler, "optimizer", None)
    return float(owner.param_groups[0]["lr"]) if owner is not None else float("nan")
