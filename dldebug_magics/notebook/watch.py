"""`%%watch`: the cell below it runs as it would without, and is watched.

The cell's names land in the notebook, its line numbers count the `%%watch` line as the first, and an exception of its own passes through as
it is, with the traceback that the cell alone would have had.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from ..ask import Watch
from ..engine.errors import UserMistake
from .arguments import Line, parse
from .blame import without_ours
from .names import Names
from .options import COMMON
from .progress import Screen
from .roles import assigned
from .session import Session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..engine.report import Report

OPTIONS = {option.name: option for option in COMMON if option.name in ("quiet", "assert")}


def watched(session: Session, line: str, cell: str) -> Report | None:
    """What IPython runs for a cell that begins with `%%watch`."""
    __tracebackhide__ = True
    try:
        typed = parse(line, OPTIONS)
        known = _known(typed, Names(session.shell.user_ns))
    except UserMistake as mistake:
        raise UsageError(str(mistake)) from None
    screen = Screen(session.shell, session.shown, "%%watch", quiet=typed.silent or "quiet" in typed.options)
    watch = Watch(**known)
    pieces = list(compiled(session.shell, f"%%watch {line}".rstrip(), cell))
    try:
        with watch:
            for piece in pieces:
                exec(piece, session.shell.user_ns)
    except BaseException as error:
        screen.end(watch.report, returned=False)
        session.record("watch", watch.report)
        show_as_if_unwatched(session.shell, error)
        raise
    screen.end(watch.report, returned=True)
    session.record("watch", watch.report)
    if "assert" in typed.options and not watch.report.ok:
        raise AssertionError(watch.report.sentence())
    return watch.report


def _known(typed: Line, names: Names) -> dict[str, tuple[str, Any]]:
    """The model and the optimizer that the line names."""
    found = assigned(typed.positional, {}, names)
    return {field: (named.text, named.value) for field, named in found.items() if field in ("model", "optimizer")}


def compiled(shell: InteractiveShell, head: str, cell: str) -> Iterator[types.CodeType]:
    """The cell's statements, ready to run; a value at its end is printed as a cell prints it. The head stands as a comment in line 1."""
    source = shell.transform_cell(f"# {head}\n{cell}")
    name = shell.compile.cache(source, shell.execution_count, raw_code=f"# {head}\n{cell}")
    body = shell.transform_ast(shell.compile.ast_parse(source, name)).body
    last = body[-1:] if body and isinstance(body[-1], ast.Expr) else []
    yield shell.compile(ast.Module(body[: len(body) - len(last)], []), name, "exec")
    for statement in last:
        yield shell.compile(ast.Interactive([statement]), name, "single")


def show_as_if_unwatched(shell: InteractiveShell, error: BaseException) -> None:
    """Have IPython show an exception's traceback without the frames that the watch put in between; the exception itself stays as it is."""
    rest = without_ours(error.__traceback__)
    while rest is not None and rest.tb_frame.f_code.co_filename not in getattr(shell.compile, "_filename_map", {}):
        rest = rest.tb_next  # IPython's own, which led to the cell
    if rest is None or rest.tb_next is None or hasattr(error, "_render_traceback_"):
        return
    rest = rest.tb_next if rest.tb_frame.f_code.co_name == "<module>" and "run_cell_magic" in rest.tb_frame.f_code.co_names else rest

    def render() -> list[str]:
        del error._render_traceback_  # type: ignore[attr-defined]
        return shell.InteractiveTB.structured_traceback(type(error), error, rest)

    error._render_traceback_ = render  # type: ignore[attr-defined]
