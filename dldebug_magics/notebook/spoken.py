"""An experiment spoken aloud: one line magic for each file in `observations/`, made from nothing but the experiment itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, cast

from IPython.core.error import UsageError

from .. import ask
from ..engine.errors import UserMistake
from ..engine.interrupts import relayed
from .arguments import Line, parse
from .assemble import completed, subject_of
from .blame import explained, in_one_line
from .manual import manual
from .names import Names
from .options import COMMON, ROLES, Option, options_of, value_of
from .progress import Screen, followed
from .roles import FIELDS, assigned
from .session import Session

if TYPE_CHECKING:
    from ..engine.report import Report
    from ..engine.subject import Subject

_SHARED = frozenset(option.name for option in (*ROLES, *COMMON))


class Spoken:
    """Run an experiment of dldebug on the model of this notebook; `?` after its name tells how."""

    needs_local_scope = True
    _ipython_magic_no_var_expand = True

    def __init__(self, name: str, session: Session):
        self.name, self.session = name, session
        self.__name__ = name

    def __call__(self, line: str = "", local_ns: dict[str, Any] | None = None) -> Report | None:
        """What IPython runs for `%name line`. A user's mistake must be exactly UsageError: it shows the traceback of any subclass."""
        __tracebackhide__ = True
        try:
            return self._answered(line, Names(self.session.shell.user_ns, local_ns))
        except UserMistake as mistake:
            raise UsageError(str(mistake)) from None

    def options(self) -> dict[str, Option]:
        """All that may follow `--`; the first call imports the experiment."""
        return options_of(ask.experiment(self.name))

    def getdoc(self) -> str:
        """The text for `?`; IPython looks for this method."""
        return manual(self.name, ask.experiment(self.name).__doc__ or "", self.options())

    def _answered(self, line: str, names: Names) -> Report | None:
        __tracebackhide__ = True
        options = self.options()
        typed = parse(line, options)
        if "help" in typed.options:
            print(self.getdoc())
            return None
        panel = self.session.panels.wanted("panel" in typed.options, typed.silent or "quiet" in typed.options)
        asked = f"%{self.name} {line}".rstrip()
        reports = relayed(self.reports(typed, names), lambda report: dataclasses.replace(report, asked=asked))
        report = self._told(reports, (), typed, self._values(typed, names))
        if report is not None and panel:
            self.session.panels.open(self, line, names, report)
        return report

    def reports(self, typed: Line, names: Names, **more: Any) -> Generator[Report, None, Any]:
        """What the experiment has to say, ever fuller; every name and option is read now. `more` goes to `ask`."""
        values = self._values(typed, names)
        subject, said = self._subject(typed, values, names)
        passed_on = {name: value for name, value in values.items() if name not in _SHARED or name == "budget"}
        reports = cast("Generator[Report, None, None]", ask.ask(self.name, subject, **passed_on, **more))
        return relayed(reports, lambda report: dataclasses.replace(report, said=(*said, *report.said)))

    def _values(self, typed: Line, names: Names) -> dict[str, Any]:
        options = self.options()
        set_before = {name: value for name, value in self.session.defaults.items() if name in options}
        return set_before | {name: value_of(options[name], text, names.value) for name, text in typed.options.items() if name not in FIELDS}

    def _told(self, reports: Generator[Report, None, Any], said: tuple[str, ...], typed: Line, values: dict[str, Any]) -> Report | None:
        """Follow a run on the screen to its report."""
        __tracebackhide__ = True
        screen = Screen(self.session.shell, self.session.shown, f"%{self.name}", quiet=typed.silent or "quiet" in values)
        report, press = _followed(reports, screen)
        return self._ended(report and dataclasses.replace(report, said=(*said, *report.said)), press, screen, "assert" in values)

    def _subject(self, typed: Line, values: dict[str, Any], names: Names) -> tuple[Subject, tuple[str, ...]]:
        flagged = {flag: text for flag, text in typed.options.items() if flag in FIELDS}
        asked, given = ask.experiment(self.name), assigned(typed.positional, flagged, names)
        parts, said = completed(given, self.session.kept, names, needs_loss=asked.needs_loss, any_split=asked.any_split)
        return subject_of(parts, values.get("seed", 0), names.everything, values.get("device", "")), said

    def _ended(self, report: Report | None, press: KeyboardInterrupt | None, screen: Screen, must_pass: bool) -> Report | None:
        """Show and remember the report; then raise what must be raised."""
        __tracebackhide__ = True
        failed = report is not None and must_pass and not report.ok
        if report is not None:
            screen.end(report, returned=press is None and not failed)
            self.session.record(self.name, report)
        if press is not None:
            raise in_one_line(press)
        if report is not None and failed:
            raise in_one_line(AssertionError(" ".join(report.sentence().split())))
        return report


def _followed(reports: Generator[Report, None, Any], screen: Screen) -> tuple[Report | None, KeyboardInterrupt | None]:
    """The last report of a run. The line that followed it must not stay as if it still ran."""
    __tracebackhide__ = True
    try:
        return followed(reports, screen.draw)
    except UserMistake as mistake:
        screen.fail(mistake)
        raise
    except Exception as error:
        screen.fail(error)
        failure = explained(error)
    raise failure
