"""The record of a watched loop, kept small: steps in full at first, after evaluations, now and then, and where one differs."""

from __future__ import annotations

import threading
import time
from array import array
from collections import Counter
from typing import Any

from . import facts
from .cast import Cast
from .events import Backward, Begun, Drawn, Event, Forward, StepSeen
from .here import Here
from .looks import Looks
from .totals import Totals
from .updates import Made, Scheduled, Stepped

_FIRST = 12  # steps that are looked at closely and kept
_AFTER = 2  # steps after an evaluation, if it is not in every step
_RARE = 10  # steps between two evaluations
_KEPT = 400  # steps kept in full, at most
_LONGEST = 1000  # events of one step; a loop that never steps has no end of them
_ORDERS = 500  # orders of events that are counted
_RUNS = (Drawn, Forward, Begun)  # what is counted in one record while nothing is trained


class Log:
    """Where the doors note what passes them. `close` says whether this step is looked at closely."""

    def __init__(self) -> None:
        self.models, self.optimizers = Cast(facts.of_model), Cast(facts.of_optimizer)
        self.schedulers, self.scalers = Cast(lambda s: facts.of_scheduler(s, self.optimizers.number)), Cast(facts.of_scaler)
        self.loaders = Cast(facts.of_loader)
        self.totals = Totals(self.models, self.optimizers)
        self.here = Here()
        self.looks = Looks(self.here)
        self.thread = threading.get_ident()
        self.events: list[Event] = []
        self.kept: list[StepSeen] = []
        self.orders: Counter[tuple] = Counter()
        self.losses, self.rates = array("d"), array("d")
        self.steps = self.looks_left = self.evaluated_at = 0
        self.close = True
        self.inside: Any = None  # the model whose forward pass is running
        self.busy = False  # a backward pass is running: what it calls is not the loop's doing
        self.waited = self.seconds = 0.0
        self.began = time.perf_counter()
        self.left_behind: tuple[str, ...] = ()
        self.moved = False

    def introduce(self, model: tuple[str, Any] | None = None, optimizer: tuple[str, Any] | None = None) -> None:
        """What is known before it is seen: a name and the thing."""
        for cast, known in ((self.models, model), (self.optimizers, optimizer)):
            if known is not None:
                cast.number(known[1], known[0])

    def end(self, moved: bool) -> None:
        """The watch is over; `moved`: the weights are others than before the first backward pass."""
        self.moved = moved
        self.looks.window.close()
        self.seconds = time.perf_counter() - self.began
        self.totals.evaluated(self.steps, self.events)

    def hears(self) -> bool:
        """Whether what passes a door now is the loop's own doing."""
        return not self.busy and threading.get_ident() == self.thread

    def note(self, event: Event) -> None:
        """Add a happening; passes in a row and the batches drawn for them are counted in the record of the first."""
        kind = type(event)
        if kind is Forward or kind is Backward:
            self.totals.passed(event)
        elif kind is Drawn or kind is Begun:
            self.totals.fed_by(event)
        elif kind is Made or kind is Scheduled:
            self.totals.changed(self.steps, event)
        if len(self.events) < _LONGEST and not (kind in _RUNS and self._repeats(event)):
            self.events.append(event)

    def _repeats(self, event: Any) -> bool:
        """Whether the same passed this door a moment ago, with nothing trained since; then it is counted there."""
        for back in range(len(self.events) - 1, max(len(self.events) - 9, -1), -1):
            before: Any = self.events[back]
            if isinstance(before, (Backward, Stepped)):
                return False
            if type(before) is type(event) and before[:2] == event[:2]:
                if isinstance(event, Forward) and before[2:5] != event[2:5]:
                    return False
                self.events[back] = before._replace(times=before.times + 1)
                return True
        return False

    def step_taken(self, event: Stepped) -> None:
        """An optimizer's step ends what is kept or counted together."""
        self.events.append(event)
        self.rates.append(event.rate)
        self.totals.stepped(event)
        if self._is_kept(tuple([(type(e), id(e.line)) for e in self.events])):  # each line is one object
            self.kept.append(StepSeen(self.steps, tuple(self.events), self.close))
        if self.totals.evaluated(self.steps, self.events):
            self.looks_left = _AFTER + 1 if self.steps - self.evaluated_at >= _RARE else self.looks_left
            self.evaluated_at = self.steps
        self.events = []
        self.steps += 1
        self.looks_left = max(self.looks_left - 1, 0)
        self.close = self.steps < _FIRST or self.looks_left > 0 or is_milestone(self.steps)

    def _is_kept(self, order: tuple) -> bool:
        """Whether this step is kept: it was looked at closely, or has an order that came at most once before."""
        if order in self.orders or len(self.orders) < _ORDERS:
            self.orders[order] += 1
        return len(self.kept) < _KEPT and (self.close or 1 <= self.orders[order] <= 2)


def is_milestone(number: int) -> bool:
    """Whether a step of this number is looked at closely in any case: every tenth, later every hundredth, later every thousandth.

    >>> [n for n in range(1, 3000) if is_milestone(n)][8:21]
    [90, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 2000]
    """
    return number % (10 if number < 100 else 100 if number < 1000 else 1000) == 0
