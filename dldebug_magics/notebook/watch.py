"""`%%watch`: the cell below it runs as it would without, and is watched.

The cell's names land in the notebook, its line numbers count the `%%watch` line as the first, and an exception of its own passes through as
it is, with the traceback that the cell alone would have had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from ..ask import Watch
from ..engine.errors import UserMistake
from .arguments import Line, parse
from .blame import in_one_line
from .cell import Body
from .live import Live
from .names import Names
from .options import COMMON, FLAG, SECONDS, Option, value_of
from .outputs import told_of_clearing
from .progress import Screen
from .roles import assigned
from .session import Session

if TYPE_CHECKING:
    from ..engine.report import Report
    from ..instruments.again import Again

OPTIONS = {option.name: option for option in COMMON if option.name in ("quiet", "panel", "assert")}
OPTIONS["prove"] = Option("prove", FLAG, False, "run the cell's first steps again, on copies, to prove what is likely")
OPTIONS["budget"] = Option("budget", SECONDS, 30.0, "seconds that this may take")
_HELP = """%%watch [model] [optimizer] [--prove] [--budget 30] [--panel] [--quiet] [--assert]

Run the cell as it is, and watch it train: the report names what is wrong in the loop, and the line. Training goes on as it would without:
same weights, same random numbers, and nothing of yours is changed. model, optimizer: names to call them by; what trains is seen by itself.
A run of more than a second is shown while it trains: its loss, rate, gradient norms, and what is wrong for certain so far. The report
(`_` afterwards) writes what was recorded: `_.to_csv(path)`, `_.to_tensorboard(directory)`. --quiet: show nothing; the report is returned.
--panel: open a panel below the report, to see any of what was recorded, step by step.

--prove: for what the numbers of the loop leave open, the cell's first steps then run again, on copies of all that it can reach, with and
without the proposed change, and both losses are shown. What it prints and draws is held back, and where it would write a file it ends.
--budget: seconds that this may take.

    %%watch
    %%watch net optimizer
    %%watch --prove --budget 60
    %%watch --quiet"""


class WatchedCell:
    """Run the cell below `%%watch` as it is, and watch it train."""

    _ipython_magic_no_var_expand = True
    __name__ = "watch"

    def __init__(self, session: Session):
        self.session = session

    def getdoc(self) -> str:
        """The text for `?`."""
        return _HELP

    def __call__(self, line: str, cell: str) -> Report | None:
        """What IPython runs for a cell that begins with `%%watch`."""
        __tracebackhide__ = True
        shell = self.session.shell
        try:
            typed = parse(line, OPTIONS)
            known = _known(typed, names := Names(shell.user_ns))
            budget = value_of(OPTIONS["budget"], typed.options.get("budget", "30"), names.value)
            panel = self.session.panels.wanted("panel" in typed.options, typed.silent or "quiet" in typed.options)
        except UserMistake as mistake:
            raise UsageError(str(mistake)) from None
        screen = Screen(shell, self.session.shown, "%%watch", quiet=typed.silent or "quiet" in typed.options)
        body, live = Body(shell, f"%%watch {line}", cell), Live(shell, screen)
        again = _again(body, budget) if "prove" in typed.options else None
        watch = Watch(live if screen.live else None, **known)
        live.follow(watch)
        watch.typed[body.name] = f"{f'%%watch {line}'.rstrip()}\n{cell}"
        try:
            with told_of_clearing(shell, screen.clear), watch:
                body.run()
            if again is not None:
                watch.prove(again, screen.draw)
        except BaseException as error:
            self._end(live, watch.report, returned=False)
            body.shows_alone(error)
            raise
        report = self._returned(live, watch.report, typed)
        if panel:
            self.session.panels.of(report)
        return report

    def _returned(self, live: Live, report: Report, typed: Line) -> Report:
        """The report, shown, with what the line wants of it."""
        __tracebackhide__ = True
        failed = "assert" in typed.options and not report.ok
        report = self._end(live, report, returned=not failed)
        if failed:
            raise in_one_line(AssertionError(" ".join(report.sentence().split())))
        return report

    def _end(self, live: Live, report: Report, returned: bool) -> Report:
        report = live.ended(report)
        live.screen.end(report, returned=returned)
        self.session.record("watch", report)
        return report


def _again(body: Body, budget: float) -> Again:
    """What can run the cell again, made before it runs; what it displays then goes nowhere."""
    from IPython.utils.capture import capture_output

    from ..instruments.again import Again, Program

    return Again(Program(body.shell.user_ns, body.name), budget, hushed=capture_output)


def _known(typed: Line, names: Names) -> dict[str, tuple[str, Any]]:
    """The model and the optimizer that the line names."""
    found = assigned(typed.positional, {}, names)
    return {field: (named.text, named.value) for field, named in found.items() if field in ("model", "optimizer")}
