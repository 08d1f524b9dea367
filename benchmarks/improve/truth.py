"""What each remedy is truly worth: the program is trained in full with every change, with several seeds, and scored on the large test set.

The answers are kept in `truth.json`, each change with a hash of the sources that it hangs on.
"""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any

from dldebug_magics.engine.examine import frozen
from dldebug_magics.engine.remedy import Change, NotPiloted, Remedy
from dldebug_magics.observations.improve.results import MORE_DATA
from dldebug_magics.remedies import remedies

from .problem import Problem, train
from .problems import PROBLEMS
from .sources import digest

SEEDS = (1, 2, 3, 4)
AS_IT_IS = ""  # the name of the program without any change
FILE = Path(__file__).with_name("truth.json")
Record = dict[str, dict[str, Any]]  # of a problem: by change, the hash of its sources and the error with each seed


@dataclasses.dataclass(frozen=True)
class Trial:
    """One problem with one seed: all changes are tried of which the truth is not known, or no longer current."""

    problem: str
    seed: int


def trial(asked: Trial) -> dict[str, float | None]:
    """The error on the large test set after a full training, by change; NaN where the program does not run so, None where it is known."""
    problem, known_already = PROBLEMS[asked.problem](), known().get(asked.problem, {})
    found = dict[str, float | None]()
    for name, remedy, change in _changes(problem, asked.seed):
        current = known_already.get(name, {}).get("sources") == digest(asked.problem, remedy)
        found[name] = None if current else _worth(problem, asked.seed, change)
    return found


def _changes(problem: Problem, seed: int) -> Iterator[tuple[str, Remedy | None, Change | None]]:
    """The program as it is, every change that a pilot could try, and what no change of the program can give: more data (no change)."""
    yield AS_IT_IS, None, Change("nothing")
    subject = frozen(problem.untrained(seed))  # a change is made for this subject, and fits any that is built alike
    for remedy in remedies(problem.term):
        yield from ((f"{remedy.name}: {made.what}", remedy, made) for made in remedy(subject) if not isinstance(made, NotPiloted))
        if remedy.name == MORE_DATA:
            yield MORE_DATA, remedy, None


def _worth(problem: Problem, seed: int, change: Change | None) -> float:
    subject = problem.untrained(seed, twice=change is None)
    change = change or Change("the pool beside the training data")
    try:
        trained = train(change.before(frozen(subject)), max(1, round(problem.epochs * change.times)))
        return problem.error(change.after(trained))
    except Exception as error:  # a change that the program does not take is a result
        print(f"{problem.name}: {change.what}: {type(error).__name__}: {error}")
        return math.nan


def known() -> dict[str, Record]:
    """What `truth.json` says, by problem."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def update(names: list[str], apply: Callable[..., Iterator[dict[str, float | None]]]) -> Iterator[str]:
    """Find the truths that are not known or no longer current, and write them down as they come."""
    results = apply(trial, [Trial(name, seed) for name in names for seed in SEEDS])
    for name in names:
        seen, record = [next(results) for _ in SEEDS], dict[str, dict[str, Any]]()
        for change, remedy, _ in _changes(PROBLEMS[name](), SEEDS[0]):
            errors = [one[change] for one in seen]
            fresh = {"sources": digest(name, remedy), "errors": [round(error, 5) for error in errors if error is not None]}
            record[change] = fresh if None not in errors else known()[name][change]
        _write({**known(), name: record})
        yield f"{name}: " + "; ".join(f"{effect.name} {effect.value:+.3f} ± {effect.half:.3f}" for effect in effects(record)[:4])


def stale(name: str) -> list[str]:
    """The changes of a problem of which the truth is missing, or older than its sources."""
    record = known().get(name, {})
    found = _changes(PROBLEMS[name](), SEEDS[0])
    return [change for change, remedy, _ in found if record.get(change, {}).get("sources") != digest(name, remedy)]


def _write(records: dict[str, Record]) -> None:
    """A line a change, so that a difference shows."""
    problems = [f"{json.dumps(name)}: {{\n{_lines(records[name])}\n}}" for name in sorted(records)]
    FILE.write_text("{\n" + ",\n".join(problems) + "\n}\n", encoding="utf-8")


def _lines(record: Record) -> str:
    return ",\n".join(f"  {json.dumps(change)}: {json.dumps(entry)}" for change, entry in record.items())


@dataclasses.dataclass(frozen=True)
class Effect:
    """What a change truly does to the error on the large test set, and half of its 95 % interval over seeds."""

    name: str
    value: float
    half: float

    @property
    def remedy(self) -> str:
        """The remedy that it is a change of."""
        return self.name.partition(":")[0]


def effects(record: Record) -> list[Effect]:
    """The effects of a problem's changes, the most helpful first; what does not run is left out."""
    runs = [name for name, entry in record.items() if name != AS_IT_IS and not any(map(math.isnan, entry["errors"]))]
    return sorted((Effect(name, *_against(record, name, AS_IT_IS)) for name in runs), key=lambda effect: effect.value)


def best(record: Record, without: Container[str] = ()) -> list[Effect]:
    """The most helpful change, and those that the seeds do not tell apart from it; `without` some that do not count."""
    found = [effect for effect in effects(record) if effect.name not in without]
    behind = [(effect, *_against(record, effect.name, found[0].name)) for effect in found]
    return [effect for effect, more, half in behind if more <= half]


def _against(record: Record, one: str, other: str) -> tuple[float, float]:
    """The mean difference of two changes, paired by seed, and half of its 95 % interval (Student's t)."""
    from scipy.stats import t

    differences = [this - that for this, that in zip(record[one]["errors"], record[other]["errors"], strict=True)]
    half = t.ppf(0.975, len(differences) - 1) * statistics.stdev(differences) / math.sqrt(len(differences))
    return statistics.mean(differences), float(half)
