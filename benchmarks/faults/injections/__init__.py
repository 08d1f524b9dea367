"""The fault classes by name, and the mutants: which class is put into which program, in which spelling."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pkgutil

import torch

from ..fault import Fault
from ..program import Program
from ..programs import PROGRAMS, build

FAMILIES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
FAULTS = {name: value for family in FAMILIES for name, value in vars(family).items() if isinstance(value, Fault)}
ENOUGH = 10  # programs of a class; where it fits fewer, several spellings in each


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A fault class in a program, in one spelling."""

    fault: str
    program: str
    spelling: str

    @property
    def name(self) -> str:
        return f"{self.fault}/{self.program}/{self.spelling}"

    def made(self, seed: int = 0) -> Program:
        """A fresh copy with the fault."""
        program = injected(self.fault, self.program, self.spelling, seed)
        if program is None:
            raise ValueError(f"{self.name} does not fit")
        return program


def injected(fault: str, program: str, spelling: str, seed: int = 0) -> Program | None:
    """The program with the fault, or None where that does not fit."""
    fresh = build(program, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        made = FAULTS[fault].inject(fresh, spelling)
    if made is not None:
        made.alone = FAULTS[fault].alone
    return made


@functools.cache
def mutants(fault: str | None = None) -> tuple[Mutant, ...]:
    """All mutants, or those of one class; the same ones every time.

    >>> len(mutants("bce_on_logits")), {mutant.program for mutant in mutants("bce_on_logits")} <= set(PROGRAMS)
    (6, True)
    """
    if fault is None:
        return tuple(mutant for name in FAULTS for mutant in mutants(name))
    spellings = FAULTS[fault].spellings
    programs = [name for name in PROGRAMS if any(_fits(Mutant(fault, name, spelling)) for spelling in spellings)]
    programs = programs if FAULTS[fault].harmless else _spread(programs)
    chosen: list[Mutant] = []
    for turn in range(len(spellings)):
        for number, name in enumerate(programs):
            mutant = Mutant(fault, name, spellings[(number + turn) % len(spellings)])
            wanted = len(chosen) < ENOUGH or name not in {other.program for other in chosen}
            if wanted and _fits(mutant):
                chosen.append(mutant)
    return tuple(chosen)


def _fits(mutant: Mutant) -> bool:
    return injected(mutant.fault, mutant.program, mutant.spelling) is not None


def _spread(programs: list[str]) -> list[str]:
    """At most `ENOUGH` of them, at even distances, so that all kinds stay."""
    count = min(ENOUGH, len(programs))
    return [programs[number * len(programs) // count] for number in range(count)]
