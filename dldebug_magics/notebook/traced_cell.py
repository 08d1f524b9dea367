"""`%%shape_trace model`: the cell runs as it is, and what it called the model with is then traced on a copy."""

from __future__ import annotations

import collections
import dataclasses
import inspect
import sys
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from .. import ask
from ..engine.errors import UserMistake
from .arguments import parse
from .cell import Body
from .explain_error import program
from .names import Names, is_module
from .options import COMMON, Option, value_of
from .progress import Screen
from .session import Session

if TYPE_CHECKING:
    from ..engine.report import Report
    from ..instruments.called_with import CalledWith, Kind

PAGE = """%%shape_trace model [--budget 60] [--quiet]

Run the cell below as it is, then trace on a copy what it called the model with: every shape on the way. Calls with the same shapes are
traced once, three kinds at most. An exception of the model or its loss that ends the cell is explained first, and then passes unchanged.

    %%shape_trace net
    out = net(x)

    %%shape_trace net --budget 20
    train_one_epoch(net)

    %%shape_trace trainer.model --quiet
    trainer.fit()

--budget: seconds the answer may take beside the cell itself. --quiet: show nothing; the report is only returned (-q)."""
_OPTIONS: dict[str, Option] = {option.name: option for option in COMMON if option.name in ("budget", "quiet", "help")}


@dataclasses.dataclass(frozen=True)
class Asked:
    """What the magic's line asks for: the model by the user's word for it, and the seconds there are."""

    word: str
    model: Any
    budget: float


class TracedCell:
    """What IPython runs for a cell that begins with `%%shape_trace`."""

    _ipython_magic_no_var_expand = True

    def __init__(self, session: Session):
        self.session, self.__name__ = session, "shape_trace"

    def getdoc(self) -> str:
        """The text for `?`."""
        return inspect.cleandoc(PAGE)

    def __call__(self, line: str, cell: str) -> Report | None:
        """Run the cell, show the report, then let the cell's own exception go on."""
        __tracebackhide__ = True
        names = Names(self.session.shell.user_ns)
        try:
            typed = parse(line, _OPTIONS)
            values = {name: value_of(_OPTIONS[name], text, names.value) for name, text in typed.options.items()}
            if "help" in values:
                return print(self.getdoc())
            asked = Asked(*_model(typed.positional, names), values.get("budget", 60.0))
        except UserMistake as mistake:
            raise UsageError(str(mistake)) from None
        screen = Screen(self.session.shell, self.session.shown, "%%shape_trace", quiet=typed.silent or "quiet" in values)
        return self._run(Body(self.session.shell, f"%%shape_trace {line}", cell), asked, screen)

    def _run(self, body: Body, asked: Asked, screen: Screen) -> Report:
        __tracebackhide__ = True
        from ..instruments.called_with import CalledWith

        calls = CalledWith(asked.model)
        try:
            with calls:
                body.run()
        except Exception as error:
            self._explained(error, calls, asked, screen)
            body.shows_alone(error)
            raise
        except BaseException as stop:
            body.shows_alone(stop)
            raise
        report = _traced(calls, asked)
        screen.end(report, returned=True)
        self.session.record("shape_trace", report)
        return report

    def _explained(self, error: Exception, calls: CalledWith, asked: Asked, screen: Screen) -> None:
        """Show why the cell failed, if that is the model's matter, or else what the model was called with."""
        from ..instruments.post_mortem import failure_of
        from .explanation import explanation

        names, failure = Names(self.session.shell.user_ns), failure_of(error)
        try:
            reports = explanation(failure, lambda: program(self.session, names), asked.budget, follows=True)
            report = collections.deque(reports, maxlen=1)[0] if failure.is_ours else _traced(calls, asked)
            screen.end(report, returned=False)
            self.session.record("shape_trace", report)
        except Exception as defect:  # a defect of ours must not hide the user's exception
            print(f"dldebug: no explanation ({type(defect).__name__}: {defect}). The exception itself follows.", file=sys.stderr)


def _model(positional: tuple[str, ...], names: Names) -> tuple[str, Any]:
    """The model that the line names, and the user's word for it."""
    if len(positional) != 1:
        raise UserMistake(f"%%shape_trace takes one model, was given {len(positional)} names", do="write %%shape_trace net above the cell")
    model = names.value(positional[0])
    if not is_module(model):
        raise UserMistake(f"`{positional[0]}` is no torch.nn.Module", do="name the model whose calls are to be traced")
    if getattr(model, "_compiled_call_impl", None) is not None:
        raise UserMistake(f"`{positional[0]}` was compiled in place, so its calls can't be watched", do="trace it before .compile()")
    return positional[0], model


def _traced(calls: CalledWith, asked: Asked) -> Report:
    """The trace of each kind of call; that which broke or the first is shown, the others have a line each."""
    from ..engine.report import Report
    from ..engine.subject import Subject
    from ..instruments.post_mortem.compiled import plain

    times = "once" if calls.count == 1 else f"{calls.count} times"
    said = f"The cell called `{asked.word}` {times}." if calls.count else f"The cell did not call `{asked.word}`."
    kinds, found = list(calls.kinds.values()), list[Report]()
    for kind in kinds:
        subject = Subject(plain(calls.model), names={"model": asked.word}, batch=kind.given)
        found += collections.deque(ask.ask("shape_trace", subject, budget=asked.budget / len(kinds)), maxlen=1)
    if not found:
        return Report(said=(said,))
    shown = next((report for report in found if not report.ok), found[0])
    lines = [f"With {_listed(kind)}: {report.sentence()}" for kind, report in zip(kinds, found, strict=True) if report is not shown]
    return dataclasses.replace(shown, said=(said, *lines, *shown.said))


def _listed(kind: Kind) -> str:
    return ", ".join(map(str, kind.inputs)) or "no tensor"
