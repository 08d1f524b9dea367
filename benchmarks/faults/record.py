"""What is asked, what was answered so far, and the page that shows it."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from . import tables
from .answers import EXPERIMENT, HEALTHY, Alarm, Answer, answered
from .choice import fits, limited
from .injections import Mutant
from .programs import PROGRAMS
from .truth import is_current, known
from .workers import spread

Item = tuple[str, bool, float]


def items(faults: list[str], programs: list[str] | None, limit: int | None, seconds: float) -> list[Item]:
    """The mutants whose truth is known, as (name, faulty, budget), and the healthy programs where no class was named."""
    truths = {name: truth for name, truth in known().items() if fits(name, faults, programs)}
    stale = {name for name, truth in truths.items() if not is_current(Mutant(*name.split("/")), truth)}
    if stale:
        print(f"{len(stale)} truths are older than their sources and left out: run with --truth", file=sys.stderr)
    healthy = [f"{HEALTHY}/{name}" for name in PROGRAMS if not faults and (not programs or name in programs)]
    chosen = limited([name for name in truths if name not in stale], limit)
    return [(name, name in truths and truths[name]["faulty"], seconds) for name in [*healthy, *chosen]]


def collected(asked: list[Item], file: Path | None, jobs: int) -> list[Answer]:
    """All answers, in the order of the classes; those that the file holds are not asked again, and each new one is put there at once."""
    kept = {answer.program: answer for answer in (_read(file) if file is not None else [])}
    missing = [item for item in asked if item[0] not in kept]
    for number, answer in enumerate(spread(answered, missing, jobs), 1):
        kept[answer.program] = answer
        if file is not None:
            file.write_text(json.dumps([dataclasses.asdict(one) for one in kept.values()], indent=1), encoding="utf-8")
        said = ", ".join(f"{alarm.name} ({alarm.confidence}{'' if alarm.right else ', not right'})" for alarm in answer.alarms)
        state = answer.verdict if answer.faulty else "no fault"
        print(
            f"{number:>4}/{len(missing)} {answer.program:<58} {state:<8} {answer.seconds:5.1f} s  {said or answer.raised}", file=sys.stderr
        )
    return [dataclasses.replace(kept[name], faulty=faulty) for name, faulty, _ in sorted(asked)]


def _line(answer: Answer) -> str:
    said = ", ".join(f"{alarm.name} ({alarm.confidence}{'' if alarm.right else ', not right'})" for alarm in answer.alarms)
    state = answer.verdict if answer.faulty else "no fault"
    return f"{answer.program:<58} {state:<8} {answer.seconds:5.1f} s  {said or answer.raised}"


def _read(file: Path) -> list[Answer]:
    if not file.exists():
        return []
    entries = json.loads(file.read_text(encoding="utf-8"))
    return [Answer(**{**entry, "alarms": tuple(Alarm(**alarm) for alarm in entry["alarms"])}) for entry in entries]


def write_page(answers: list[Answer], page: Path) -> None:
    """The tables under a head that says what they are."""
    page.parent.mkdir(exist_ok=True)
    asked, harmful = sum(answer.fault != HEALTHY for answer in answers), sum(answer.harmless and answer.faulty for answer in answers)
    counted = (
        f"Asked were {asked} of {len(known())} mutants, by `{EXPERIMENT}`. {harmful} changes that should do no harm do some: not counted."
    )
    page.write_text(f"{_HEAD}\n{counted}\n\n{tables.report(answers)}\n", encoding="utf-8")


_HEAD = """# How often the right fault is named

Made by `python benchmarks/faults/run.py --write`. Known faults are injected into healthy programs; what counts as faulty, right, first and
named stands in [benchmarks/faults/README.md](../benchmarks/faults/README.md). Seconds are the median of a whole diagnosis on one thread."""
