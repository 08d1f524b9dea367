"""Does a mutant truly train worse than its healthy twin? Three seeds whose results do not overlap show it, or ten that agree.

The answers are kept in `truth.json`, each with a hash of the sources that it depends on.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .injections import FAULTS, Mutant, mutants
from .programs import PROGRAMS, build
from .results import NEVER, Results, results
from .sources import digest

FEW, SEEDS = (1, 2, 3), tuple(range(1, 11))
AGREE = 9  # of the ten seeds: by chance alone one time in 93
FILE = Path(__file__).with_name("truth.json")


def worse(twin: list[float], mutant: list[float]) -> bool:
    """Whether the twin's worst result beats the mutant's best; what is no number is as bad as can be.

    >>> worse([0.9, 0.8], [0.7, 0.79]), worse([0.9, 0.8], [0.7, 0.81]), worse([0.9], [float("nan")])
    (True, False, True)
    """
    return min(map(_ordered, twin)) > max(map(_ordered, mutant))


def agree(twin: list[float], mutant: list[float]) -> bool:
    """Whether the twin beats the mutant with at least nine of ten seeds, each pair with the same one; a tie beats nobody.

    >>> agree([0.9] * 10, [0.95] + [0.8] * 9), agree([0.9] * 10, [0.9] * 2 + [0.8] * 8)
    (True, False)
    """
    return sum(_ordered(t) > _ordered(m) for t, m in zip(twin, mutant, strict=True)) >= AGREE


def _ordered(score: float) -> float:
    return -math.inf if math.isnan(score) else score


@dataclasses.dataclass(frozen=True)
class Truth:
    """`scores` at the end, of three seeds where they decide, or of ten; `by`: the measure in which the twin was better; `crash`: what the
    program raised.
    """

    faulty: bool
    by: str
    scores: list[float]
    crash: str
    sources: str


def found(mutant: Mutant) -> Truth:
    """Train the mutant with three seeds, and with seven more where the results overlap with its twin's; three are enough for what should do
    no harm.
    """
    fault, crash = FAULTS[mutant.fault], ""
    twins = [_twin(mutant.program, fault.alone, seed) if not fault.flatters else Results(0.0, 0.0, 0.0, 0.0) for seed in SEEDS]
    seen: list[Results] = []
    for seed in SEEDS:
        try:
            seen.append(results(mutant.made(seed), seed, fault.flatters))
        except Exception as error:  # a program that raises is a result, and the worst one
            seen.append(NEVER)
            crash = type(error).__name__
        if len(seen) == len(FEW) and (fault.harmless or worse([t.end for t in twins[: len(FEW)]], [r.end for r in seen])):
            break
    by = _told_by(twins[: len(seen)], seen)
    return Truth(bool(by), by, [round(r.end, 4) for r in seen], crash, digest(PROGRAMS[mutant.program], fault.inject))


def _told_by(twins: list[Results], seen: list[Results]) -> str:
    """The measure in which the twins were better, empty where there is none: three seeds decide at the end, ten in any."""
    if len(seen) == len(FEW):
        return "end" if worse(*_columns("end", twins, seen)) else ""
    return next((measure for measure in Results.measures() if agree(*_columns(measure, twins, seen))), "")


def _columns(measure: str, *rows: list[Results]) -> list[list[float]]:
    return [[getattr(one, measure) for one in row] for row in rows]


_twins: dict[tuple[str, bool, int], Results] = {}


def _twin(name: str, alone: bool, seed: int) -> Results:
    """The healthy program's results, each found once."""
    if (name, alone, seed) not in _twins:
        healthy = build(name, seed)
        healthy.alone = alone
        _twins[name, alone, seed] = results(healthy, seed)
    return _twins[name, alone, seed]


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
