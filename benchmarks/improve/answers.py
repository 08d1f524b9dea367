"""What `improve` answers about a problem, in plain values."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import time
from collections.abc import Iterator
from typing import Any

from dldebug_magics.ask import ask
from dldebug_magics.observations.bias_variance.decomposition import Term
from dldebug_magics.observations.improve.results import MORE_DATA

from .problems import PROBLEMS


@dataclasses.dataclass(frozen=True)
class Question:
    """A problem, the seed of its program, and the budget of the answer in seconds: of the clock, or of this process alone."""

    problem: str
    seed: int
    seconds: float
    of_process: bool = False


@dataclasses.dataclass(frozen=True)
class Told:
    """One change as it was ranked: its name as the truth has it, the effect and its 95 % interval (NaN where there is none)."""

    name: str
    value: float
    low: float
    high: float
    recommended: bool

    @property
    def remedy(self) -> str:
        """The remedy that it is a change of."""
        return self.name.partition(":")[0]

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return self.low == self.low


@dataclasses.dataclass(frozen=True)
class Answer:
    """term: the dominant one, or what else was found; ranked: the first is to be tried first; seen, wanted: samples of a run."""

    problem: str
    term: str
    ranked: list[Told]
    seen: int
    wanted: float
    seconds: float
    untouched: bool
    sentence: str


def answer(asked: Question) -> Answer:
    """Ask about one problem, as its user has it."""
    subject = PROBLEMS[asked.problem]().trained(asked.seed)
    with _seconds_of_process() if asked.of_process else contextlib.nullcontext():
        report = collections.deque(ask("improve", subject, budget=asked.seconds), maxlen=1)[0]
    seen: Any = report.experiment
    setting = getattr(seen, "setting", None)
    return Answer(
        asked.problem,
        _term(getattr(seen, "term", None)),
        [_told(one) for one in getattr(seen, "ranked", ())],
        setting.seen if setting else 0,
        setting.wanted if setting else 0.0,
        report.seconds,
        bool(report.untouched),
        report.sentence(),
    )


@contextlib.contextmanager
def _seconds_of_process() -> Iterator[None]:
    """Time that others take on a shared machine does not pass: the answer is what the budget would bring on a machine of one's own."""
    clock = time.monotonic
    time.monotonic = time.process_time
    try:
        yield
    finally:
        time.monotonic = clock


def _term(term: Term | None) -> str:
    return "none" if term is None else " and ".join(part.rpartition(" ")[2] for part in term.parts)  # "distribution shift" is shift


def _told(one: Any) -> Told:
    name = MORE_DATA if one.remedy == MORE_DATA else f"{one.remedy}: {one.what}"
    return Told(name, one.effect.value, one.effect.low, one.effect.high, one.recommended)
