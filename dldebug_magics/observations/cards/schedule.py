"""What the schedule still has in store: the learning rates it would give from here on, found by stepping a copy of it."""

from __future__ import annotations

import dataclasses
import itertools
import math
import warnings
from collections.abc import Iterator

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from ...cures.learning_rate import STANDS_STILL
from ...engine.observation import Observation
from ...engine.subject import Subject
from ..overfit_batch.training import peak

_AHEAD = 1000  # steps


@dataclasses.dataclass(frozen=True)
class ScheduleCard(Observation):
    """A scheduler's class, how often it was stepped, the optimizer's rate now, the highest of the next thousand, and that of the past.

    `idle`: how many of the next steps have no rate at all; `after_one`: the highest rate behind the first of them.
    """

    scheduler: str
    stepped: int
    now: float
    ahead: float
    peak: float
    idle: int = 0
    after_one: float = math.inf

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[ScheduleCard]:
        """Step the scheduler and look at the rates; without one, or where it wants to be told a metric, only the rate now is seen."""
        scheduler, optimizer = subject.scheduler, subject.optimizer
        if optimizer is None:
            return
        now, highest = _rate(optimizer), max(abs(peak(group)) for group in optimizer.param_groups)
        plain = isinstance(scheduler, LRScheduler) and not isinstance(scheduler, ReduceLROnPlateau)
        if not plain or scheduler.optimizer is not optimizer:
            yield cls("", 0, now, now, highest)
            return
        stepped, coming = scheduler.last_epoch, _rates_ahead(scheduler)
        ahead, peaked = max([now, *coming]), max([highest, now, *coming])
        idle = len(list(itertools.takewhile(lambda rate: rate <= STANDS_STILL * peaked, [now, *coming])))
        after_one = max(coming) if len(coming) >= _AHEAD else math.inf
        yield cls(type(scheduler).__name__, stepped, now, ahead, peaked, idle, after_one)

    @property
    def over(self) -> bool:
        """Whether the rate is gone and does not come back."""
        return bool(self.scheduler) and self.peak > 0 and self.ahead <= _GONE * self.peak

    @property
    def gone_at_once(self) -> bool:
        """Whether a schedule that has not begun leaves a hundredth of the rate, or less, after a single step, for good."""
        return bool(self.scheduler) and self.stepped == 0 and 0 < self.now == self.peak and self.after_one <= _LEFT * self.peak

    @property
    def asleep(self) -> bool:
        """Whether a schedule that has not begun gives no rate at all for many steps."""
        return bool(self.scheduler) and self.stepped == 0 and self.peak > 0 and self.idle >= _ASLEEP


_GONE = 1e-4  # of the peak
_LEFT = 1e-2
_ASLEEP = 20  # steps; a warm-up begins with one at zero


def _rate(optimizer: Optimizer) -> float:
    return max(abs(float(group["lr"])) for group in optimizer.param_groups)


def _rates_ahead(scheduler: LRScheduler) -> list[float]:
    rates: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(_AHEAD):
            try:
                scheduler.step()
            except (ValueError, TypeError):  # it was made for a number of steps, and they are over: the last was one too many
                return rates[:-1]
            rates.append(_rate(scheduler.optimizer))
    return rates
