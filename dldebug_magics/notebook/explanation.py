"""An exception explained: what its traceback tells, and what `shape_trace` says of the same call where a copy fails in the same way.

This module knows no screen. What it holds of the user's it lets go with the last report.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Generator
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
_SLIPS = (NameError, ImportError, SyntaxError, AssertionError)
_OURS = str(Path(__file__).parents[1])
_NOT_OURS = "It arose in no forward pass, loss, backward pass or optimizer step of a model, so dldebug has nothing to say about it."
_DATA = "It arose where data was loaded, before any model saw it: the traceback has the line, and %data_audit looks at the loaders."
_NOT_HELD = "What it was called with can't be had from the traceback, so nothing was run again."
_CANDIDATES = "A traceback of the {phase} doesn't hold the program, so that of the notebook was run on a copy."
_SAME = "Run again on a copy, with copies of what it was given, it breaks in the same way."
_RAN = (
    "Run again on a copy it did not break: it hangs on a state, a random number, a device or a batch that is gone, so no cause was tried."
)
_OTHERWISE = "Run again on a copy it breaks otherwise ({kind}: {message}), so no cause was tried."

Found = Callable[[], "tuple[Subject | None, tuple[str, ...]]"]


def explanation(failure: Failure, found: Found, budget: float = BUDGET, *, follows: bool = False) -> Generator[Report, None, None]:
    """Reports on a failure, the last one complete.

    found: gives a program where the traceback holds none, and what to say of it. follows: whether the traceback is shown next.
    """
    from ..instruments.post_mortem import Phase
    from ..instruments.post_mortem.rebuilt import subject_of
    from ..instruments.post_mortem.record import Record

    record = Record.of(failure)
    record = dataclasses.replace(record, traceback="It follows.") if follows else record
    if not failure.is_ours:
        yield Report(dataclasses.replace(record, why=_DATA if failure.phase is Phase.DATA else _NOT_OURS))
        return
    subject, taken, how = subject_of(failure), tuple[str, ...](), _SAME
    if subject is None and failure.phase in (Phase.BACKWARD, Phase.STEP):
        subject, taken = _candidates(found)
        how = _CANDIDATES.format(phase=failure.phase.value)
    if subject is None:
        yield Report(dataclasses.replace(record, why=_NOT_HELD), said=taken)
        return
    said = (f"{record.told()}. {how}", *record.unseen, *taken)
    yield from relayed(ask.ask("shape_trace", subject, budget=budget), lambda report: _judged(report, record, said))


def is_told(failure: Failure) -> bool:
    """Whether an exception may be explained unasked: in a part of a training step, no slip of the pen, and not through our own work."""
    if not failure.is_ours or (not failure.by_torch and isinstance(failure.error, _SLIPS)):
        return False
    frames = (frame.f_code.co_filename for frame, _ in traceback.walk_tb(failure.error.__traceback__))
    return not any(file.startswith(_OURS) and not is_users(file) for file in frames)


def _candidates(found: Found) -> tuple[Subject | None, tuple[str, ...]]:
    try:
        return found()
    except UserMistake as mistake:  # two models, or none: the record says all that is known
        return None, (f"{mistake}.",)


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
