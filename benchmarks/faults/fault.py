"""A fault class: its name is the check's that should name it, its spellings are the ways in which people write it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from .program import Program

Inject = Callable[[Program, str], "Program | None"]


@dataclasses.dataclass(frozen=True)
class Fault:
    """`inject` changes a fresh program, or returns None where the fault does not fit. `stage` is where the check stands.

    `alone`: judged on samples given one at a time, because the company is what goes wrong. `flatters`: the harm is a score that is better
    on the program's own validation data than on honest ones. `harmless`: no fault at all, but what sound programs do as well.
    """

    name: str
    spellings: tuple[str, ...]
    inject: Inject
    stage: str = "overfit"
    alone: bool = False
    flatters: bool = False
    harmless: bool = False


def fault(*spellings: str, stage: str = "overfit", alone: bool = False, flatters: bool = False) -> Callable[[Inject], Fault]:
    """Make a function of (program, spelling) a fault class of the function's name."""
    return lambda inject: Fault(inject.__name__, spellings, inject, stage, alone, flatters)


def harmless(*spellings: str) -> Callable[[Inject], Fault]:
    """Make a function of (program, spelling) a change that is no fault."""
    return lambda inject: Fault(inject.__name__, spellings, inject, harmless=True)
