"""Asking an experiment by name: what the magics, the panels and the Python functions share.

The names come from the files in `observations/`; an experiment is imported when it is first asked for, so that loading costs nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine.observation import Observation
    from .engine.report import Report
    from .engine.subject import Subject

_ROOM = Path(__file__).parent / "observations"
_NOT_ASKED = {"cards"}


def names() -> tuple[str, ...]:
    """The experiments, which are the magics.

    >>> "overfit_batch" in names()
    True
    """
    return tuple(found.name for found in pkgutil.iter_modules([str(_ROOM)]) if found.name not in _NOT_ASKED)


def experiment(name: str) -> type[Observation]:
    """The experiment's class: `overfit_batch` is `OverfitBatch`."""
    module = importlib.import_module(f"{__package__}.observations.{name}")
    return getattr(module, "".join(word.capitalize() for word in name.split("_")))


def experiment_of(stage: str) -> str:
    """The experiment that the checks of a stage are about.

    >>> experiment_of("overfit")
    'overfit_batch'
    """
    from .engine.stage import LADDER

    magics = next(rung.magics for rung in LADDER if rung.name == stage)
    return next(name for name in magics if name in names())


def ask(name: str, subject: Subject, *, budget: float = 60.0, **options: Any) -> Generator[Report, None, Any]:
    """Examine a subject, or climb the ladder with it; yields ever fuller reports, the last is complete."""
    from .checks import all_checks
    from .engine.examine import examine
    from .engine.interrupts import relayed

    asked: Any = experiment(name)
    if asked.stage == "all":
        return relayed(asked.measure(_rungs(subject), budget, **options), asked.report)
    checks = [check for check in all_checks() if asked.stage in (check.stage, *check.also)]
    return examine(subject, asked, checks, budget=budget, **options)


def _rungs(subject: Subject) -> Iterator[tuple[str, Callable[[float], Generator[Report, None, None]]]]:
    """Every stage that has checks, in the order of the ladder, with the examination of its experiment."""
    from .checks import files
    from .engine.examine import frozen

    subject = frozen(subject)  # one batch for all rungs
    for stage in dict.fromkeys(stage for stage, _ in files()):
        yield stage, lambda seconds, stage=stage: ask(experiment_of(stage), subject, budget=seconds)  # type: ignore[misc]
