"""Asking an experiment by name: what the magics, the panels and the Python functions share.

The names come from the files in `observations/`; an experiment is imported when it is first asked for, so that loading costs nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine.check import Check
    from .engine.observation import Observation
    from .engine.report import Report
    from .engine.subject import Subject
    from .instruments.again import Again

_ROOM = Path(__file__).parent / "observations"
_NOT_ASKED = {"cards", "training_loop"}
_NOT_CLIMBED = {"evaluate", "shift"}  # about a trained model: what an untrained one is worth says nothing
_WATCHED = {"watch": "training_loop"}  # seen while the user's own code runs, by a magic of its own


def names() -> tuple[str, ...]:
    """The experiments, which are the magics.

    >>> "overfit_batch" in names()
    True
    """
    return tuple(found.name for found in pkgutil.iter_modules([str(_ROOM)]) if found.name not in _NOT_ASKED)


def experiment(name: str) -> type[Observation]:
    """The experiment's class: `overfit_batch` is `OverfitBatch`."""
    name = _WATCHED.get(name, name)
    module = importlib.import_module(f"{__package__}.observations.{name}")
    return getattr(module, "".join(word.capitalize() for word in name.split("_")))


def experiment_of(stage: str) -> str:
    """The experiment that the checks of a stage are about.

    >>> experiment_of("overfit")
    'overfit_batch'
    """
    from .engine.stage import LADDER

    magics = next(rung.magics for rung in LADDER if rung.name == stage)
    return next(name for name in magics if name in names() or name in _WATCHED)


def ask(name: str, subject: Subject, *, budget: float = 60.0, causes: Collection[str] = (), **options: Any) -> Generator[Report, None, Any]:
    """Examine a subject, or climb the ladder with it; yields ever fuller reports, the last is complete.

    To `watch`, the subject is a function without arguments that trains. causes: those to look for, by name; none means all.
    """
    from .checks import all_checks
    from .engine.examine import examine
    from .engine.interrupts import relayed

    asked: Any = experiment(name)
    if name in _WATCHED:
        return _watched(subject)
    if asked.stage == "all":
        return relayed(asked.measure(_rungs(subject), budget, **options), asked.report)
    checks = [check for check in all_checks() if asked.stage in (check.stage, *check.also) and (not causes or check.name in causes)]
    return examine(subject, asked, checks, budget=budget, **options)


def _rungs(subject: Subject) -> Iterator[tuple[str, Callable[[float], Generator[Report, None, None]]]]:
    """Every stage that has checks and says something before training, in the order of the ladder, with the examination of its experiment.

    Whether it fits is asked only where something says how much there is: a plan costs more than the other rungs, and a CPU has no limit.
    """
    from .checks import files
    from .engine.examine import device_of, frozen
    from .engine.memory import asked as memory_of

    subject = frozen(subject)  # one batch for all rungs
    left_out = _NOT_CLIMBED if subject.memory or memory_of(device_of(subject)) else _NOT_CLIMBED | {"memory"}
    for stage in dict.fromkeys(stage for stage, _ in files() if experiment_of(stage) in names() and stage not in left_out):
        yield stage, lambda seconds, stage=stage: ask(experiment_of(stage), subject, budget=seconds)  # type: ignore[misc]


def _watched(program: Any) -> Generator[Report, None, None]:
    with Watch() as watch:
        program()
    yield watch.report


def _loop_checks() -> list[Check]:
    from .checks import files, load

    return [load(stage, cause) for stage, cause in files() if stage == "loop"]


class Watch:
    """`with Watch() as watch: train()`; afterwards `watch.report` says what the loop did, and `watch` has all that the report has.

    An exception of the loop's passes through, and the report tells of the loop up to there. model, optimizer: known before they are seen
    in the loop, by the names given. follower: told while the loop runs (instruments/watch/following.py).
    """

    report: Report

    def __init__(self, follower: Callable[[bool], None] | None = None, **known: tuple[str, Any]):
        from .instruments.watch import watching

        self.known, self.watching = known, watching(follower)
        self.checks = _loop_checks() if follower is not None else []  # imported before the loop begins, and not while it runs
        self.typed: dict[str, str] = {}  # cells as they were typed, by the names that their code has

    def __enter__(self) -> Watch:
        self.log = self.watching.__enter__()
        self.log.introduce(**self.known)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        from .engine.judged import judged
        from .instruments.sources import source_of
        from .observations.training_loop.reading import by_library
        from .observations.training_loop.seen import seen

        self.watching.__exit__(kind, error, traceback)
        loop = seen(self.log, error)
        left, stopped = self.log.left_behind, "by you" if isinstance(error, KeyboardInterrupt) else ""
        about = {"seconds": self.log.seconds, "stopped": stopped, "untouched": not left, "left_behind": left}
        alone = frozenset(line.spot for line in by_library(loop))
        checks = () if loop.blind else self.checks or _loop_checks()
        self.report = judged(loop, checks, lambda file: source_of(file, self.typed), alone, **about)

    def prove(self, again: Again, seen: Callable[[Report], Any] = lambda report: None) -> None:
        """Run the loop again on copies, where its own numbers prove nothing; `again` was made before it was watched."""
        for report in again.proven(self.report, self.log):
            self.report = report
            seen(report)

    def __getattr__(self, name: str) -> Any:
        if name == "report":
            raise AttributeError("the watch is not over; its report comes at its end")
        return getattr(self.report, name)

    def __repr__(self) -> str:
        return repr(self.report) if "report" in vars(self) else "<a watch that is not over>"

    def _repr_html_(self) -> str:
        return self.report._repr_html_()
