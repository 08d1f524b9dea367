"""What the diagnosis says of one program, and which of it is right.

An alarm is right when it has the fault's own name, or when its cure alone repairs the program. Notes are no alarms.
"""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable
from typing import Any

from dldebug_magics.ask import ask, names

from .injections import FAULTS, Mutant
from .program import Program
from .programs import build
from .repairs import repairs

HEALTHY = "healthy"
EXPERIMENT = "diagnose" if "diagnose" in names() else "overfit_batch"


@dataclasses.dataclass(frozen=True)
class Alarm:
    """A finding worse than a note. `own`: it has the fault's name. `right`: so, or its cure alone repairs the program."""

    name: str
    confidence: str
    own: bool
    right: bool


@dataclasses.dataclass(frozen=True)
class Answer:
    """What was said of a mutant or, as `healthy/NAME`, of a healthy program; `raised` is what the diagnosis itself threw."""

    program: str
    faulty: bool
    alarms: tuple[Alarm, ...]
    seconds: float
    raised: str = ""

    @property
    def fault(self) -> str:
        """The fault class."""
        return self.program.partition("/")[0]

    @property
    def harmless(self) -> bool:
        """Whether the program was changed as sound programs are."""
        return self.fault in FAULTS and FAULTS[self.fault].harmless

    @property
    def verdict(self) -> str:
        """first: the first alarm is right; named: a later one is; wrong: none of them; silent: there is none.

        >>> Answer("a/b/c", True, (Alarm("x", "likely", False, False), Alarm("a", "proven", True, True)), 1.0).verdict
        'named'
        """
        right = [alarm.right for alarm in self.alarms]
        return "silent" if not right else "first" if right[0] else "named" if any(right) else "wrong"


def answered(asked: tuple[str, bool, float]) -> Answer:
    """Diagnose the program of that name, which is faulty or not, within so many seconds."""
    name, faulty, budget = asked
    make, began = maker(name), time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            *_, report = ask(EXPERIMENT, make(0).subject(), budget=budget)
            seconds = time.perf_counter() - began
            alarms = [_judged(finding, name, make) for finding in report.alarms]
    except Exception as error:  # the diagnosis broke: an answer, and a bad one
        return Answer(name, faulty, (), time.perf_counter() - began, f"{type(error).__name__}: {error}".partition("\n")[0])
    return Answer(name, faulty, tuple(alarms), round(seconds, 2))


def maker(name: str) -> Callable[[int], Program]:
    """How to build the program of that name from a seed."""
    first, *rest = name.split("/")
    return Mutant(first, *rest).made if first != HEALTHY else lambda seed: build(rest[0], seed)


def _judged(finding: Any, name: str, make: Callable[[int], Program]) -> Alarm:
    own = finding.name == name.partition("/")[0]
    cure = finding.evidence.cure
    return Alarm(finding.name, finding.confidence.value, own, own or (cure is not None and repairs(cure, make)))
