"""An exception explained: what its traceback tells, and what `shape_trace` says of the same call where a copy fails in the same way.

This module knows no screen. What it holds of the user's it lets go with the last report.
"""

from __future__ import annotations

import dataclasses
import functools
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import ask
from ..engine.errors import UserMistake
from ..engine.interrupts import relayed
from ..engine.report import Report
from ..instruments.source_lines import is_users

if TYPE_CHECKING:
    from ..engine.subject import Subject
    from ..instruments.post_mortem import Failure
    from ..instruments.post_mortem.record import Record

BUDGET = 60.0
_LEAST = 1.0
_PROVEN = (True, True, True)
_SLIPS = (NameError, ImportError, SyntaxError, AssertionError)
_OURS = str(Path(__file__).parents[1])
_WITHIN_WATCH = ("notebook/watch.py", "notebook/cell.py", "instruments/watch")  # a watched cell is the user's own
_WATCHING = tuple(str(Path(_OURS, room)) for room in _WITHIN_WATCH)
_NOT_OURS = "It arose in no forward pass, loss, backward pass or optimizer step of a model, so dldebug has nothing to say about it."
_DATA = "It arose where data was loaded, before any model saw it: the traceback has the line, and %data_audit looks at the loaders."
_NOT_HELD = "What it was called with can't be had from the traceback, so nothing was run again."
_WHOLE = "The traceback doesn't hold all that is needed, so the whole program was run on a copy: it breaks in the same way."
_SAME = "Run again on a copy, with copies of what it was given, it breaks in the same way."
_RAN = (
    "Run again on a copy it did not break: it hangs on a state, a random number, a device or a batch that is gone, so no cause was tried."
)
_OTHERWISE = "Run again on a copy it breaks otherwise ({kind}: {message}), so no cause was tried."

Found = Callable[[], "tuple[Subject | None, tuple[str, ...]]"]


def explanation(failure: Failure, found: Found, budget: float = BUDGET, *, follows: bool = False) -> Generator[Report, None, None]:
    """Reports on a failure, the last one complete.

    found: gives the user's whole program, asked where the failed call alone doesn't prove a cause. follows: the traceback is shown next.
    """
    from ..instruments.post_mortem import Phase
    from ..instruments.post_mortem.record import Record

    record, began = Record.of(failure), time.monotonic()
    record = dataclasses.replace(record, traceback="It follows.") if follows else record
    if not failure.is_ours:
        yield Report(dataclasses.replace(record, why=_DATA if failure.phase is Phase.DATA else _NOT_OURS))
        return
    best = None
    for subject, said in _programs(failure, record, found):
        if subject is None:
            best = best or Report(dataclasses.replace(record, why=_NOT_HELD), said=said)
            break
        left = max(budget - (time.monotonic() - began), _LEAST)
        judged = functools.partial(_judged, record=record, said=said)
        report = yield from relayed(ask.ask("shape_trace", subject, budget=left), judged)
        best = report if best is None or (report and _rank(report) > _rank(best)) else best
        if best is None or best.stopped or _rank(best) == _PROVEN:
            break
    yield best or Report(dataclasses.replace(record, why=_NOT_HELD))


def _programs(failure: Failure, record: Record, found: Found) -> Iterator[tuple[Subject | None, tuple[str, ...]]]:
    """What may be run again, and what to say of it: the failed call, then the user's program; None where that is not to be had."""
    from ..instruments.post_mortem.rebuilt import subject_of

    own = subject_of(failure)
    if own is not None:
        yield own, (f"{record.told()}. {_SAME}", *record.unseen)
    try:
        whole, taken = found()
    except UserMistake as mistake:  # two models, or none: the traceback says all that is known
        whole, taken = None, (f"{mistake}.",)
    if whole is not None and failure.call is not None and not any(part is failure.call.what for part in whole.model.modules()):
        whole, taken = None, ()
    yield whole, (f"{record.told()}. {_WHOLE}", *record.unseen, *taken) if whole is not None else taken


def _rank(report: Report) -> tuple[bool, bool, bool]:
    """How much a report says: whether the failure came back, whether it has a cause, and whether that is proven."""
    sure = {finding.confidence.value for finding in report.alarms}
    return getattr(report.experiment, "failure", None) is not None, bool(sure), "proven" in sure


def is_told(failure: Failure) -> bool:
    """Whether an exception may be explained unasked: in a part of a training step, no slip of the pen, and not through our own work."""
    if not failure.is_ours or (not failure.by_torch and isinstance(failure.error, _SLIPS)):
        return False
    frames = (frame.f_code.co_filename for frame, _ in traceback.walk_tb(failure.error.__traceback__))
    return not any(file.startswith(_OURS) and not file.startswith(_WATCHING) and not is_users(file) for file in frames)


def _judged(report: Report, record: Record, said: tuple[str, ...]) -> Report:
    """The report of the run on a copy, as far as it is about the exception that is to be explained."""
    again: Any = getattr(report.experiment, "failure", None)
    if report.progress:
        return report
    if report.experiment is None:
        return dataclasses.replace(report, experiment=record)
    if again is not None and record.like(again.kind, again.message):
        line = again.line if again.line.place else record.line
        failure = dataclasses.replace(again, line=line, traceback=record.traceback)
        experiment: Any = dataclasses.replace(report.experiment, failure=failure)  # type: ignore[type-var]
        return dataclasses.replace(report, experiment=experiment, said=said)
    why = _RAN if again is None else _OTHERWISE.format(kind=again.kind, message=again.first_line)
    record = dataclasses.replace(record, why=why)
    return dataclasses.replace(report, experiment=record, findings=(), ruled_out=(), tried=(), said=())
