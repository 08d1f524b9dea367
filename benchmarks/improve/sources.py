"""What a truth hangs on, as a hash: the problem, the loop, and the remedy with the cures that it is made of."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
from collections.abc import Iterator
from pathlib import Path

from dldebug_magics.engine.remedy import Remedy

from . import data, problem
from .problems import PROBLEMS

_ROOMS = {"remedies", "cures"}


def digest(name: str, remedy: Remedy | None) -> str:
    """The hash of all that decides what a remedy does to the problem `name`; comments and docstrings do not count."""
    own = [Path(inspect.getfile(part)) for part in (data, problem, inspect.getmodule(PROBLEMS[name])) if part is not None]
    reached = _reached([Path(inspect.getfile(remedy.function))]) if remedy is not None else set()
    return hashlib.sha256("\n".join(map(_meaning, (*own, *sorted(reached)))).encode()).hexdigest()[:12]


def _reached(files: list[Path]) -> set[Path]:
    """These files and all that they import from the rooms of the remedies and the cures."""
    waiting, found = list(files), set[Path]()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return found


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            room = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for target in (room, *(room / alias.name for alias in node.names)):
                if target.with_suffix(".py").is_file() and {target.parent.name, target.parent.parent.name} & _ROOMS:
                    yield target.with_suffix(".py")


@functools.cache
def _meaning(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            node.body = body[1:]  # type: ignore[attr-defined]
    return ast.unparse(tree)  # and not `dump`, which every version of Python writes in its own way
