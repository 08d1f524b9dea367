"""`%explain_error`: the last exception of the notebook, explained post mortem."""

from __future__ import annotations

import contextlib
import inspect
import io
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from ..engine.errors import UserMistake
from .arguments import Line, parse
from .assemble import completed, subject_of
from .last_error import EXPLAINS, in_words, last_exception
from .names import Names
from .options import COMMON, Option
from .progress import bundle
from .session import Session
from .spoken import Spoken

if TYPE_CHECKING:
    from ..engine.report import Report
    from ..engine.subject import Subject

PAGE = """%explain_error [--budget 60] [--quiet]

Explain the last exception of this notebook: in which part of a training step it arose, in which module, with what that was given, and which
change makes it run. The failed call is made again on a copy, with copies of what it was given; nothing of yours changes.

    %explain_error
    %explain_error --budget 20
    report = %explain_error --quiet

`%config DLDebugMagics.explain_errors = True` puts the explanation in front of each such exception by itself. An exception that arose in no
model's forward pass, loss, backward pass or optimizer step is not explained.

--budget: seconds the whole answer may take. --quiet: show nothing; the report is only returned (-q)."""

_AT_ONCE = 10.0  # seconds: somebody waits for their traceback


class ExplainError(Spoken):
    """Explain the last exception of this notebook; `?` after its name tells how."""

    def __init__(self, session: Session):
        super().__init__(EXPLAINS, session)

    def options(self) -> dict[str, Option]:
        """All that may follow `--`."""
        return {option.name: option for option in COMMON if option.name in ("budget", "quiet", "help")}

    def getdoc(self) -> str:
        """The text for `?`."""
        return inspect.cleandoc(PAGE)

    def _answered(self, line: str, names: Names) -> Report | None:
        __tracebackhide__ = True
        typed = parse(line, self.options())
        if typed.positional:
            raise UserMistake(f"%explain_error takes no arguments, was given {typed.positional[0]!r}", do="run %explain_error alone")
        if "help" in typed.options:
            print(self.getdoc())
            return None
        return self._told(self.reports(typed, names), (), typed, self._values(typed, names))

    def reports(self, typed: Line, names: Names, **more: Any) -> Generator[Report, None, Any]:
        """What there is to say of the last exception, ever fuller."""
        error = last_exception(self.session.shell)
        if error is None:
            raise UserMistake("no exception to explain", do="run the cell that fails, then %explain_error in the next one")
        from ..instruments.post_mortem import failure_of
        from .explanation import BUDGET, explanation

        budget = self._values(typed, names).get("budget", BUDGET)
        return explanation(failure_of(error), lambda: program(self.session, names), budget)

    def tell(self, error: Exception) -> None:
        """Show the explanation of an exception that is ours to explain; what the copy prints meanwhile was printed once already."""
        if "torch" not in sys.modules:
            return
        from IPython.display import display

        from ..instruments.post_mortem import failure_of
        from .explanation import explanation, is_told

        failure, names = failure_of(error), Names(self.session.shell.user_ns)
        if not is_told(failure):
            return
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for report in explanation(failure, lambda: program(self.session, names), _AT_ONCE, follows=True):
                last = report
        if failure.by_torch or last.alarms:  # an exception that is not torch's gets nothing, unless its cause was found
            display(bundle(last), raw=True)
            self.session.record(self.name, last, about=in_words(error))


def program(session: Session, names: Names) -> tuple[Subject, tuple[str, ...]]:
    """The notebook's own program, for failures whose traceback holds none, and what to say of it."""
    parts, said = completed({}, session.kept, names)
    return subject_of(parts), said
