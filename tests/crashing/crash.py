"""One program that does not run: its cause, where it raises, what torch says, and how to make it, faulty or not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch

from dldebug_magics.engine.subject import Subject

PHASES = ("build", "forward", "loss", "backward", "step", "second pass", "silent")


@dataclasses.dataclass(frozen=True)
class Crash:
    """`kind` and a piece of the `message` are what torch raises in the `phase` of the first step ("second pass": of the second one).

    "build": already `make(True)` raises, no step is reached. "silent": nothing raises, the fault shows in values or is a mere note, and
    `kind` is None. `batch` is the one that raises: the "first" or the "last" of the loader. `accept`: other causes that are also right,
    `because` of what it says: another single change makes the program run, or two names fit the same change. `loop`: the fault lies in the
    everyday loop around the program, which a Subject does not have (it is dldebug that passes the batch on): only the exception tells it.
    """

    name: str
    cause: str
    phase: str
    kind: type[Exception] | None
    message: str
    make: Callable[[bool], Subject]
    batch: str = "first"
    accept: tuple[str, ...] = ()
    because: str = ""
    loop: bool = False

    def __post_init__(self) -> None:
        if self.phase not in PHASES or bool(self.accept) != bool(self.because) or (self.kind is None) != (self.phase == "silent"):
            raise ValueError(f"{self.name}: no such record")


def crash(
    cause: str,
    phase: str,
    kind: type[Exception] | None = None,
    message: str = "",
    *,
    batch: str = "first",
    accept: dict[str, str] | None = None,
    loop: bool = False,
) -> Callable[[Callable[[bool], Subject]], Crash]:
    """Make a function of `faulty` a record, seeded; `accept` maps causes that are also right to the reason."""

    def record(function: Callable[[bool], Subject]) -> Crash:
        def make(faulty: bool) -> Subject:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                return function(faulty)

        also = accept or {}
        return Crash(function.__name__, cause, phase, kind, message, make, batch, tuple(also), "; ".join(also.values()), loop)

    return record
