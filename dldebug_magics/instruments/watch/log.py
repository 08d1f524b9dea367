"""The record of a watched loop, kept small: steps in full at first, now and then, and when something out of the ordinary happens.

Between these the doors only count. What wakes the log (`wake`): a mode is set, a loader begun, a pass made without gradients, an optimizer
made, a scheduler asked for the first times. Then all is noted from there on, and the next steps are looked at closely.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Callable
from threading import get_ident
from typing import Any, TypeVar

import torch

from . import facts
from .cast import Cast, stepped_by
from .data import Data
from .events import Backward, Begun, Drawn, Event, Forward, StepSeen
from .here import Here
from .loader_facts import of_loader
from .looks import Looks
from .pace import is_looked_at
from .repeats import repeats
from .totals import Totals
from .updates import Made, Scheduled, Stepped

_AFTER = 2  # steps after the log was woken
_RARE, _OFTEN = 10, 30  # steps for which it then sleeps at least, once that has happened so often
_KEPT = 400  # steps kept in full, at most
_ROOM = 20_000  # events of all steps that are kept
_LONGEST = 1000  # events of one step; a loop that never steps has no end of them
_ORDERS = 500  # orders of events that are told apart
_RUNS = (Drawn, Forward, Begun)  # what is counted in one record while nothing is trained
T = TypeVar("T")


class Log:
    """Where the doors note what passes them. `noting`: whether they should; `close`: whether this step is looked at from its start."""

    def __init__(self) -> None:
        self.models, self.optimizers = Cast(facts.of_model), Cast(facts.of_optimizer, stepped_by)
        self.schedulers = Cast(lambda scheduler: facts.of_scheduler(scheduler, self.optimizers.number))
        self.scalers, self.loaders = Cast(facts.of_scaler), Cast(of_loader)
        self.totals = Totals(self.models, self.optimizers)
        self.here = here = Here()
        self.looks, self.data = Looks(here), Data()
        self.thread, self.cuda = get_ident(), torch.cuda.is_available()
        self.events: list[Event] = []
        self.kept: list[StepSeen] = []
        self.orders: Counter[tuple[str, ...]] = Counter()
        self.losses, self.rates = array("d"), array("d")
        self.room = _ROOM
        self.steps = self.looks_left = self.woken = self.woken_at = 0
        self.close = self.noting = True
        self.learning = False  # there was a backward pass since the last step
        self.inside = False  # a model's forward pass is running: its parts are not the loop's own calls
        self.running: Any = None  # the model whose forward pass it is
        self.curious = False  # the calls of a model's parts are looked at, too
        self.busy = False  # a backward pass is running: what it calls is not the loop's doing
        self.waited = self.seconds = 0.0
        self.began = time.perf_counter()
        self.left_behind: tuple[str, ...] = ()
        self.moved, self.failed = False, ""

    def introduce(self, model: tuple[str, Any] | None = None, optimizer: tuple[str, Any] | None = None) -> None:
        """What is known before it is seen: a name and the thing."""
        for cast, known in ((self.models, model), (self.optimizers, optimizer)):
            if known is not None:
                cast.number(known[1], known[0])

    def end(self, moved: bool) -> None:
        """The watch is over; `moved`: the weights are others than before the first backward pass."""
        self.moved = moved
        self.looks.end()
        self.seconds = time.perf_counter() - self.began
        self.totals.evaluated(self.steps, self.events)
        self.busy, self.noting, self.close = True, False, False  # a library imported meanwhile may have taken a door by its name

    def hears(self) -> bool:
        """Whether what passes a door now is the loop's own doing, and may be looked at: while a CUDA graph is recorded nothing may."""
        if self.busy or self.failed or get_ident() != self.thread:
            return False
        return not self.cuda or not torch.cuda.is_current_stream_capturing()

    def asks(self, door: Callable[..., T], *given: Any) -> T | None:
        """What a door tells of what passes it. A failure of ours ends the watch and never the loop; the report says so.

        What is asked of tensors meanwhile goes past torch's function doors: past the user's modes, and past our own window.
        """
        if self.busy or self.failed or get_ident() != self.thread or (self.cuda and torch.cuda.is_current_stream_capturing()):
            return None
        try:
            if not self.noting:
                return door(*given)
            with torch._C.DisableTorchFunction():
                return door(*given)
        except Exception as error:
            self.failed = f"{type(error).__name__}: {error}".splitlines()[0]
            return None

    def note(self, event: Event) -> None:
        """Add a happening; passes in a row and the batches drawn for them are counted in the record of the first."""
        kind = type(event)
        if kind is Forward or kind is Backward:
            self.totals.passed(event)
        elif kind is Drawn or kind is Begun:
            self.totals.fed_by(event)
        elif kind is Made or kind is Scheduled:
            self.totals.changed(self.steps, event)
        if len(self.events) < _LONGEST and not (kind in _RUNS and repeats(self.events, event)):
            self.events.append(event)

    def wake(self) -> bool:
        """Something out of the ordinary begins: note all from here on. A loop in which that is ordinary is woken now and then."""
        if not self.noting and (self.woken < _OFTEN or self.steps - self.woken_at >= _RARE):
            self.noting, self.close, self.looks_left = True, not self.learning, _AFTER + 1
            self.woken, self.woken_at = self.woken + 1, self.steps
        return self.noting

    def step_taken(self, event: Stepped) -> None:
        """An optimizer's step ends what is noted and counted together."""
        self.events.append(event)
        order = tuple(type(e).__name__ for e in self.events)
        if self.close:
            self.totals.stepped(event)
        if self.close and (order in self.orders or len(self.orders) < _ORDERS):
            self.orders[order] += 1
        self.room -= len(self.events)
        if len(self.kept) < _KEPT and self.room >= 0:
            self.kept.append(StepSeen(self.steps, tuple(self.events), self.close))
        self.totals.evaluated(self.steps, self.events)
        self.events = []
        self.next_step(event.rate)

    def next_step(self, rate: float) -> None:
        """A step is over, noted or not."""
        if self.looks_left:
            self.looks_left -= 1
        self.count(rate)
        self.close = self.noting = self.looks_left > 0 or self.noting

    def count(self, rate: float) -> None:
        """The same between close looks."""
        self.rates.append(rate)
        self.steps += 1
        self.learning = False
        self.close = self.noting = is_looked_at(self.steps)
