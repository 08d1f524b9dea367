"""`%%watch`: the cell below it runs as it would without, and is watched.

The cell's names land in the notebook, its line numbers count the `%%watch` line as the first, and an exception of its own passes through as
it is, with the traceback that the cell alone would have had.
"""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from ..ask import Watch
from ..engine.errors import UserMistake
from .arguments import Line, parse
from .blame import in_one_line, without_ours
from .names import Names
from .options import COMMON
from .progress import Screen
from .roles import assigned
from .session import Session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..engine.report import Report

OPTIONS = {option.name: option for option in COMMON if option.name in ("quiet", "assert")}
_HELP = """%%watch [model] [optimizer] [--quiet] [--assert]

Run the cell as it is, and watch it train: the report names what is wrong in the loop, and the line. Training goes on as it would without:
same weights, same random numbers, and nothing of yours is changed. model, optimizer: names to call them by; what trains is seen by itself.

    %%watch
    %%watch net optimizer
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
            watch = Watch(**_known(typed, Names(shell.user_ns)))
        except UserMistake as mistake:
            raise UsageError(str(mistake)) from None
        screen = Screen(shell, self.session.shown, "%%watch", quiet=typed.silent or "quiet" in typed.options)
        pieces = list(compiled(shell, f"%%watch {line}".rstrip(), cell))
        try:
            with watch:
                for piece in pieces:
                    exec(piece, shell.user_ns)
        except BaseException as error:
            self._end(screen, watch.report, returned=False)
            show_as_if_unwatched(shell, error)
            raise
        failed = "assert" in typed.options and not watch.report.ok
        self._end(screen, watch.report, returned=not failed)
        if failed:
            raise in_one_line(AssertionError(" ".join(watch.report.sentence().split())))
        return watch.report

    def _end(self, screen: Screen, report: Report, returned: bool) -> None:
        screen.end(report, returned=returned)
        self.session.record("watch", report)


def _known(typed: Line, names: Names) -> dict[str, tuple[str, Any]]:
    """The model and the optimizer that the line names."""
    found = assigned(typed.positional, {}, names)
    return {field: (named.text, named.value) for field, named in found.items() if field in ("model", "optimizer")}


def compiled(shell: InteractiveShell, head: str, cell: str) -> Iterator[types.CodeType]:
    """The cell's statements, ready to run; a value at its end is printed as a cell prints it. The head stands as a comment in line 1."""
    source = shell.transform_cell(f"# {head}\n{cell}")
    name = shell.compile.cache(source, _number(shell), raw_code=f"# {head}\n{cell}")
    body = shell.transform_ast(shell.compile.ast_parse(source, name)).body
    last = body[-1:] if body and isinstance(body[-1], ast.Expr) else []
    flags = shell.compile.flags
    yield compile(ast.Module(body[: len(body) - len(last)], []), name, "exec", flags, dont_inherit=True)
    for statement in last:
        yield compile(ast.Interactive([statement]), name, "single", flags, dont_inherit=True)


def _number(shell: InteractiveShell) -> int:
    """The number of the cell that is running, as its own code is filed; versions of IPython count up at different times."""
    numbers, frame = getattr(shell.compile, "_filename_map", {}), sys._getframe(1)
    while frame is not None and frame.f_code.co_filename not in numbers:
        frame = frame.f_back  # type: ignore[assignment]
    return shell.execution_count if frame is None else numbers[frame.f_code.co_filename]


def show_as_if_unwatched(shell: InteractiveShell, error: BaseException) -> None:
    """Have IPython show an exception's traceback without the frames that the watch put in between; the exception itself stays as it is."""
    rest = without_ours(error.__traceback__)
    if rest is None or hasattr(error, "_render_traceback_"):
        return

    def render() -> list[str]:
        del error._render_traceback_  # type: ignore[attr-defined]
        return shell.InteractiveTB.structured_traceback(type(error), error, rest)

    error._render_traceback_ = render  # type: ignore[attr-defined]
