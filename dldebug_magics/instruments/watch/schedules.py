"""The door of schedulers: their steps, and their being made. Torch has no hook for either."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable
from typing import Any

from torch.optim.lr_scheduler import LRScheduler

from .log import Log
from .updates import Made, Scheduled
from .wrapped import family, wrapped

_FEW = 4  # steps of a scheduler that are noted in any case


@contextlib.contextmanager
def watching_schedules(log: Log) -> Any:
    """Note each step of a scheduler that no other scheduler asked for; the one that its making takes is part of the making."""
    inside: list[Any] = []

    def stepped(scheduler: Any, before: float) -> None:
        number = log.schedulers.number(scheduler)
        if log.noting or (log.totals.of_schedulers[number] < _FEW and log.wake()):
            log.note(Scheduled(number, log.here(), _rate(scheduler), before if _is_early(scheduler) else math.nan))
        else:
            log.totals.of_schedulers[number] += 1

    def made(scheduler: Any, before: float) -> None:
        log.wake()
        log.note(Made("scheduler", log.schedulers.number(scheduler), log.here()))

    with contextlib.ExitStack() as stack:
        for name, tell in (("step", stepped), ("__init__", made)):
            for kind in family(LRScheduler, name):
                stack.enter_context(wrapped(kind, name, functools.partial(_outermost, log, inside, tell)))
        yield


def _outermost(log: Log, inside: list[Any], tell: Callable[[Any, float], None], plain: Callable) -> Callable:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = math.nan if inside else _rate(self)
        inside.append(self)
        try:
            return plain(self, *args, **kwargs)
        finally:
            inside.pop()
            if not inside:
                log.asks(tell, self, before)

    return method


def _is_early(scheduler: Any) -> bool:
    """Whether this was the scheduler's first step and its optimizer has taken none since it was made: what torch warns of, too."""
    owner = getattr(scheduler, "optimizer", None)
    return getattr(scheduler, "_step_count", 0) == 2 and not getattr(owner, "_opt_called", False)


def _rate(scheduler: Any) -> float:
    owner = getattr(scheduler, "optimizer", None)
    return float(owner.param_groups[0]["lr"]) if owner is not None else math.nan
