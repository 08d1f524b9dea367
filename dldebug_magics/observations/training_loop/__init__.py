"""The user's own training loop, as `%%watch` saw it pass torch's doors: the experiment that needs no copy and no second run.

What a check can read, all plain numbers and names; questions that many checks ask are answered in `reading.py`:

steps        the optimizer steps that were kept, each a `StepSeen(number, events, close)`: all events since the step before, in order, its
             `Stepped` last. Kept are the first dozen, those around whatever is out of the ordinary (a mode is set, a loader begun, ...; see
             instruments/watch/log.py), and two in twenty, two hundred, a thousand. `close`: with the numbers that cost time
tail         the events after the last step; `events` are those of all kept steps and the tail
of(Clip)     the kept events of one kind. The kinds and their fields: instruments/watch/events.py. Each has a `line` of the user's
orders       each order of kinds of events that a close step had, as names, and how often it came
taken        how many optimizer steps there were; `count(optimizer)`: how many of one optimizer's were looked at closely, and of these
             `count(optimizer, "stale" | "empty" | "evaluating")` were such
trained      pairs (optimizer, model): the optimizer holds a parameter of a model that ran before its steps
evaluations  `Evaluation(step, passes, drawn, graphs)`: forward passes that no backward pass followed, before that step
makings      `Making(step, made, begun)`: optimizers and schedulers that were made while the loop ran
scheduled    how many steps each scheduler took; `begun`: how often each loader was; `fed`: how many backward passes followed its batches
models, optimizers, schedulers, loaders, scalers
             who took part: the numbers in the events are places in these. Each has the user's `name` ("" where there is none), its `facts`
             (instruments/watch/facts.py and loader_facts.py), and a `word` for a sentence
losses       the loss of every backward pass (NaN where asking makes an accelerator wait), `rates`: the first of every step; thinned to 5000
moments      close steps in numbers: loss, rate, norms (of the layer groups, too), memory, time (instruments/watch/moments.py); at most 1000
moved        whether the weights of the models that ran first have changed in the end; `births`: models, and the lines that set them
census       the parameters of each model that is trained; `strangers`: shapes of what an optimizer has and no model, and no pass reaches
holders      variables that keep earlier losses; `waited`: seconds that the loop waited for loaders, of all its `seconds`
data         `answers`: labels of samples that came again; `turned`: images; `waits`: for each loader (instruments/watch/data.py)
scored       what the user's own metrics do: predictions `compared` with labels, and hits and losses `counted` for an average
asked        how often `torch.autograd.grad` was called; `dropped`: lines at which a model in evaluation mode dropped values
blind        why the watch saw no more from some step on (a defect of ours); empty where it saw all
crash        kind, message and line of the exception that ended the loop; `spoilt`: the first loss that was not finite, and why; else None
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar, TypeVar

from ...document import Block
from ...engine.evidence import Finding
from ...engine.observation import Observation
from ...instruments.source_lines import Line
from ...instruments.watch.census import Weight
from ...instruments.watch.compared import NOT_SCORED, Scored
from ...instruments.watch.data import NO_DATA, DataSeen
from ...instruments.watch.events import Event, StepSeen
from ...instruments.watch.facts import ModelFacts, OptimizerFacts, ScalerFacts, SchedulerFacts
from ...instruments.watch.holders import Holder
from ...instruments.watch.loader_facts import LoaderFacts
from ...instruments.watch.moments import Moment
from ...instruments.watch.spoilt import Spoilt
from ...instruments.watch.totals import Dropped, Evaluation, Making
from . import exports, wording
from .players import Ended, Player

E = TypeVar("E")


@dataclasses.dataclass(frozen=True)
class TrainingLoop(Observation):
    """Watch the training cell that you have, unchanged, and say what goes wrong in it, with the line.

    Training goes on as it would: same weights, same random numbers. What happens is seen at torch's own doors, closely for the first steps
    and after each evaluation, by samples later.

    Examples:
        %%watch
        %%watch model optimizer
        %%watch --quiet

    Source: Full Stack Deep Learning, troubleshooting guide, "common bugs": train and eval mode, gradients, the order of calls.
    """

    stage: ClassVar[str] = "loop"
    exports: ClassVar = exports.EXPORTS
    steps: tuple[StepSeen, ...] = ()
    tail: tuple[Event, ...] = ()
    taken: int = 0
    orders: tuple[tuple[tuple[str, ...], int], ...] = ()
    tallies: tuple[tuple[int, tuple[tuple[str, int], ...]], ...] = ()
    trained: frozenset[tuple[int, int]] = frozenset()
    evaluations: tuple[Evaluation, ...] = ()
    makings: tuple[Making, ...] = ()
    scheduled: tuple[int, ...] = ()
    begun: tuple[int, ...] = ()
    fed: tuple[int, ...] = ()
    models: tuple[Player[ModelFacts], ...] = ()
    optimizers: tuple[Player[OptimizerFacts], ...] = ()
    schedulers: tuple[Player[SchedulerFacts], ...] = ()
    loaders: tuple[Player[LoaderFacts], ...] = ()
    scalers: tuple[Player[ScalerFacts], ...] = ()
    losses: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    moments: tuple[Moment, ...] = ()
    moved: bool = False
    holders: tuple[Holder, ...] = ()
    spoilt: Spoilt | None = None
    births: tuple[tuple[int, Line], ...] = ()
    census: tuple[tuple[int, tuple[Weight, ...]], ...] = ()
    strangers: tuple[tuple[int, tuple[tuple[int, ...], ...]], ...] = ()
    data: DataSeen = NO_DATA
    scored: Scored = NOT_SCORED
    asked: int = 0
    dropped: tuple[Dropped, ...] = ()
    waited: float = 0.0
    seconds: float = 0.0
    blind: str = ""
    crash: Ended | None = None
    passed: bool = True

    @property
    def events(self) -> Iterator[Event]:
        """Every event that was kept, in order."""
        for step in self.steps:
            yield from step.events
        yield from self.tail

    def of(self, *kinds: type[E]) -> Iterator[E]:
        """The kept events of these kinds, in order."""
        return (event for event in self.events if isinstance(event, kinds))

    def count(self, optimizer: int, what: str = "steps") -> int:
        """How many steps of an optimizer that were looked at were "stale", "empty" or "evaluating"; "steps" are all of these."""
        return dict(dict(self.tallies).get(optimizer, ())).get(what, 0)

    @property
    def epochs(self) -> int:
        """How often the loader was begun that feeds the training; 0 where none does, and batches come from elsewhere."""
        most = max(self.fed, default=0)
        return self.begun[self.fed.index(most)] if most > 1 else 0

    @property
    def unseen(self) -> tuple[str, ...]:
        """What could not be looked into."""
        return wording.unseen(self)

    def named(self, optimizer: int) -> str:
        """What the user calls an optimizer; `optimizer` where that is not known."""
        return self.optimizers[optimizer].name or "optimizer"

    def document(self, findings: tuple[Finding, ...] = ()) -> tuple[Block, ...]:
        """What was seen."""
        return wording.blocks(self)

    def sentence(self, findings: tuple[Finding, ...] = ()) -> str:
        """The verdict."""
        return wording.sentence(self, findings)

    def footer(self, steps: int) -> str:
        """What the watch cost, and what it left behind."""
        return wording.footer(self, steps)
