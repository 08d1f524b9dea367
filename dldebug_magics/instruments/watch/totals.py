"""What is counted of a watched loop, so that it can be told without all the steps."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from ..source_lines import Line
from .cast import Cast
from .events import Backward, Begun, Drawn, Event, Forward
from .kept import Graphs
from .updates import Made, Stepped

_MOST = 400  # of a list


class Evaluation(NamedTuple):
    """Forward passes that no backward pass followed, before the step of this number. `drawn`: batches that their loader gave for them;
    `graphs`: how many of their graphs were alive at a time, at most, as far as that was counted."""

    step: int
    passes: Forward
    drawn: int
    graphs: int = 0


class Making(NamedTuple):
    """An optimizer or scheduler that was made before the step of this number, when the loaders had been begun so many times each."""

    step: int
    made: Made
    begun: tuple[tuple[int, int], ...]


class Dropped(NamedTuple):
    """A line at which a model in evaluation mode dropped values. `built`: by a layer that is no part of the model."""

    model: int
    line: Line
    p: float
    built: bool


class Totals:
    """Sums, and short lists of what is rare."""

    def __init__(self, models: Cast, optimizers: Cast):
        self.models, self.optimizers = models, optimizers
        self.of_optimizers: dict[int, dict[str, int]] = {}
        self.of_schedulers: Counter[int] = Counter()
        self.begun: Counter[int] = Counter()
        self.fed: Counter[int] = Counter()
        self.last_loader, self.drawn = -1, False  # which loader gave the last batch, and whether since the last backward pass
        self.dropped: dict[Line, Dropped] = {}
        self.asked = 0  # gradients asked for by `torch.autograd.grad`
        self.usual_mode = True  # of the model that was trained last
        self.evaluations: list[Evaluation] = []
        self.graphs = Graphs()
        self.makings: list[Making] = []
        self.pairs: dict[tuple[int, int], bool] = {}
        self.modes: dict[int, bool] = {}  # of the models that ran since the last backward pass
        self.learning: dict[int, bool] = {}  # of those that ran before it

    def passed(self, event: Any) -> None:
        """A forward or backward pass."""
        if type(event) is Backward:
            self.learning.update(self.modes)
            self.usual_mode = next(iter(self.modes.values()), self.usual_mode)
            self.modes = {}
            self.fed[self.last_loader] += self.drawn
            self.drawn = False
            return self.graphs.learnt()
        if event.grad:
            self.modes[event.model] = event.training

    def fed_by(self, event: Any) -> None:
        """A loader was begun, or gave a batch."""
        self.last_loader = event.loader
        if type(event) is Begun:
            self.begun[event.loader] += 1
        else:
            self.drawn = True

    def drops(self, event: Dropped) -> None:
        """A line that drops in evaluation mode."""
        if len(self.dropped) < _MOST:
            self.dropped.setdefault(event.line, event)

    def changed(self, step: int, event: Any) -> None:
        """A scheduler's step, or the making of an optimizer or scheduler."""
        if type(event) is not Made:
            self.of_schedulers[event.scheduler] += 1
        elif len(self.makings) < _MOST:
            self.makings.append(Making(step, event, tuple(self.begun.items())))

    def stepped(self, event: Stepped) -> None:
        """An optimizer's step that was looked at closely."""
        tally = self.of_optimizers.get(event.optimizer)
        if tally is None:
            tally = self.of_optimizers[event.optimizer] = {"steps": 0, "stale": 0, "empty": 0, "evaluating": 0}
        tally["steps"] += 1
        tally["stale"] += event.stale
        tally["empty"] += event.empty
        for model, training in self.learning.items():
            if self.trains(event.optimizer, model) and not training:
                tally["evaluating"] += 1
                break
        self.learning = {}

    def trains(self, optimizer: int, model: int) -> bool:
        """Whether an optimizer holds a parameter of a model."""
        known = self.pairs.get((optimizer, model))
        if known is None:
            thing, held = self.models.parts[model].thing(), self.optimizers.parts[optimizer].facts.held
            known = thing is not None and any(id(p) in held for p in thing.parameters())
            self.pairs[optimizer, model] = known
        return known

    def evaluated(self, step: int, events: list[Event]) -> None:
        """Note the forward passes among these events that no backward pass followed."""
        waiting: dict[int, Forward] = {}
        for place, event in enumerate(events):
            if type(event) is Forward:
                waiting[place] = event
            elif type(event) is Backward:
                last = next((e.loader for e in reversed(events[:place]) if type(e) is Forward and e.grad), None)
                waiting = {p: e for p, e in waiting.items() if not e.grad or e.loader != last}
        if waiting and len(self.evaluations) < _MOST:
            drawn = Counter[int]()
            for event in events:
                if type(event) is Drawn:
                    drawn[event.loader] += event.times
            alive = self.graphs.most
            self.evaluations += [Evaluation(step, e, drawn[e.loader], alive.get((e.model, e.line), 0)) for e in waiting.values()]
