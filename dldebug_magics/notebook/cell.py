"""The body of a cell magic, run as the notebook would run it alone: same names, same lines, same value at its end, same traceback."""

from __future__ import annotations

import ast
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from .blame import without_ours

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Body:
    """The statements of a cell, ready to run; `head` is the line of the magic, which counts as line 1."""

    def __init__(self, shell: InteractiveShell, head: str, body: str):
        self.shell = shell
        raw = f"# {head.rstrip()}\n{body}"
        source = shell.transform_cell(raw)
        self.name = shell.compile.cache(source, _number(shell), raw_code=raw)
        statements = shell.transform_ast(shell.compile.ast_parse(source, self.name)).body
        value = bool(statements) and isinstance(statements[-1], ast.Expr) and not source.rstrip().endswith(";")
        shown = statements[-1:] if value else []
        _without_await(statements, self.name, head.split()[0])
        compiled: Any = shell.compile
        self.pieces = [compiled(ast.Module(statements[: len(statements) - len(shown)], []), self.name, "exec")]
        self.pieces += [compiled(ast.Interactive([statement]), self.name, "single") for statement in shown]

    def run(self) -> None:
        """Run it in the notebook's names; a value at its end is shown as a cell shows it."""
        for piece in self.pieces:
            exec(piece, self.shell.user_ns)

    def shows_alone(self, error: BaseException) -> None:
        """Have the traceback of its exception shown as if the cell had run without the magic; the exception itself stays as it is."""
        rest: types.TracebackType | None = error.__traceback__
        while rest is not None and rest.tb_frame.f_code.co_filename != self.name:
            rest = rest.tb_next
        rest = without_ours(rest)
        if rest is None or hasattr(error, "_render_traceback_"):
            return

        def render() -> list[str]:
            del error._render_traceback_  # type: ignore[attr-defined]
            return self.shell.InteractiveTB.structured_traceback(type(error), error, rest, tb_offset=0)

        error._render_traceback_ = render  # type: ignore[attr-defined]


def _without_await(statements: list[ast.stmt], name: str, magic: str) -> None:
    """Say in one line what a cell magic can't do: the notebook's loop is running already, and waits for the magic."""
    code = compile(ast.Module(statements, []), name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE:
        instead = ", or write `with dldebug.watch() as report:` above it, which may" if magic == "%%watch" else ""
        raise UsageError(f"`await` outside of a function can't be run below {magic}; await in a cell of its own{instead}")


def _number(shell: InteractiveShell) -> int:
    """The number of the cell that is running, as its own code is filed; versions of IPython count up at different times."""
    numbers, frame = getattr(shell.compile, "_filename_map", {}), sys._getframe(1)
    while frame is not None and frame.f_code.co_filename not in numbers:
        frame = frame.f_back  # type: ignore[assignment]
    return shell.displayhook.prompt_count if frame is None else numbers[frame.f_code.co_filename]
