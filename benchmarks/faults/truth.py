"""Does a mutant truly train worse than its healthy twin? Three seeds each, and results that do not overlap.

The answers are kept in `truth.json`, each with a hash of the sources that it depends on.
"""

from __future__ import annotations

import dataclasses
import json
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from .injections import FAULTS, Mutant, mutants
from .program import Program, judged, trained
from .programs import PROGRAMS, build
from .sources import digest

SEEDS = (1, 2, 3)
FILE = Path(__file__).with_name("truth.json")


def worse(twin: list[float], mutant: list[float]) -> bool:
    """Whether the twin's worst result beats the mutant's best; what is no number is as bad as can be.

    >>> worse([0.9, 0.8], [0.7, 0.79]), worse([0.9, 0.8], [0.7, 0.81]), worse([0.9], [float("nan")])
    (True, False, True)
    """
    return min(map(_ordered, twin)) > max(map(_ordered, mutant))


def _ordered(score: float) -> float:
    return score if math.isfinite(score) else -math.inf


@dataclasses.dataclass(frozen=True)
class Truth:
    """`scores` of the seeds, fewer than three where the first ones already overlap with the twin's; `crash`: what the program raised."""

    faulty: bool
    scores: list[float]
    crash: str
    sources: str


def found(mutant: Mutant) -> Truth:
    """Train the mutant, seed after seed, until its results overlap with its twin's or all seeds are done."""
    fault, scores, crash = FAULTS[mutant.fault], [], ""
    twin = [0.0] if fault.flatters else _twin(mutant.program, fault.alone)
    for seed in SEEDS:
        try:
            score = _result(mutant.made(seed), seed, fault.flatters)
        except Exception as error:  # a program that raises is a result, and the worst one
            score, crash = math.nan, type(error).__name__
        scores.append(round(score, 4))
        if not worse(twin, scores):
            break
    return Truth(worse(twin, scores), scores, crash, digest(PROGRAMS[mutant.program], fault.inject))


def _result(program: Program, seed: int, flatters: bool = False) -> float:
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = trained(program)
    if not flatters:
        return score
    program.judged_on = build(program.name, seed).data[1]
    return judged(program) - score  # below zero where the program's own validation data promise more than honest ones give


_twins: dict[tuple[str, bool], list[float]] = {}


def _twin(name: str, alone: bool) -> list[float]:
    """The healthy program's results, each kind found once."""
    if (name, alone) not in _twins:
        healthy = [build(name, seed) for seed in SEEDS]
        for program in healthy:
            program.alone = alone
        _twins[name, alone] = [_result(program, seed) for program, seed in zip(healthy, SEEDS, strict=True)]
    return _twins[name, alone]


def known() -> dict[str, dict[str, Any]]:
    """What `truth.json` says, by the mutant's name."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def is_current(mutant: Mutant, record: dict[str, Any] | None) -> bool:
    """Whether a record was made from the sources as they are now."""
    exists = mutant.fault in FAULTS and mutant.program in PROGRAMS
    return exists and record is not None and record["sources"] == digest(PROGRAMS[mutant.program], FAULTS[mutant.fault].inject)


def update(faults: list[str], chosen: Callable[[Mutant], bool], apply: Callable[..., Iterator[Truth]]) -> Iterator[str]:
    """Find the truths that are not known or no longer current, class by class, and write them down as they come."""
    for name in faults:
        asked = [mutant for mutant in mutants(name) if chosen(mutant)]
        stale = [mutant for mutant in asked if not is_current(mutant, known().get(mutant.name))]
        for mutant, truth in zip(stale, apply(found, stale), strict=True):
            write({**_still_mutants(known(), name), mutant.name: dataclasses.asdict(truth)})
            yield f"{mutant.name:<60} {'faulty' if truth.faulty else 'equivalent':<10} {truth.scores} {truth.crash}"


def _still_mutants(records: dict[str, dict[str, Any]], fault: str) -> dict[str, dict[str, Any]]:
    """The records without those of a class that are no mutants any more, and without classes that are gone."""
    current = {mutant.name for mutant in mutants(fault)}
    return {n: r for n, r in records.items() if n.partition("/")[0] in FAULTS and (n.partition("/")[0] != fault or n in current)}


def write(records: dict[str, dict[str, Any]]) -> None:
    """A line a mutant, so that a change shows."""
    lines = [f"  {json.dumps(name)}: {json.dumps(record)}" for name, record in sorted(records.items())]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
