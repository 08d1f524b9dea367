"""Which line sets a variable of the user's, or puts something into it, found in the source of the code that runs."""

from __future__ import annotations

import ast
import functools
import linecache
import sys
from collections.abc import Iterator
from types import CodeType, FrameType

from ..source_lines import Line, is_users, line_at

FROM_ITSELF = 2  # how sure a line is that reads what it sets
_GROWING = frozenset(("append", "extend", "add", "update", "insert"))


def setting(frame: FrameType, name: str) -> tuple[int, Line]:
    """The line of a frame's file that sets a variable, or puts something into it: in a loop, and in this function, if there is one.

    An attribute is set by its owner's methods, too. The number before it says how sure that is.
    """
    linecache.lazycache(frame.f_code.co_filename, frame.f_globals)
    return set_in(frame.f_code, name)


def set_in(code: CodeType, name: str) -> tuple[int, Line]:
    """The same for code that need not run any more."""
    file = code.co_filename
    known = _settings(file, "".join(linecache.getlines(file)))
    lines = known.get(name, ()) or known.get(f"self.{name.rpartition('.')[2]}" if "." in name else "", ())
    first, last = code.co_firstlineno, max((n for *_, n in code.co_lines() if n), default=0)
    own = [found for found in lines if code.co_name == "<module>" or first <= found[1] <= last] or lines
    if not own:
        return 0, Line()
    sure, number = max(own)
    return sure, line_at((file, number))


@functools.lru_cache(maxsize=8)
def _settings(file: str, text: str) -> dict[str, list[tuple[int, int]]]:
    """For each name (a variable or an attribute of one) the lines that set it: (how sure: it is grown, in a loop; the line's number)."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a cell with magics in it
        return {}
    looped = {id(n) for loop in ast.walk(tree) if isinstance(loop, (ast.For, ast.While)) for n in ast.walk(loop)}
    found: dict[str, list[tuple[int, int]]] = {}
    for node in ast.walk(tree):
        for name, grown in _set_by(node):
            found.setdefault(name, []).append((2 * grown + (id(node) in looped), node.lineno))  # type: ignore[attr-defined]
    return found


def _set_by(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """The names that a statement sets, and whether it adds to what they hold."""
    if isinstance(node, ast.AugAssign):
        yield _owner(node.target), True
    elif isinstance(node, ast.Assign):
        read = {ast.unparse(n) for n in ast.walk(node.value) if isinstance(n, (ast.Name, ast.Attribute))}
        for target in node.targets:
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                yield _owner(part), ast.unparse(part) in read
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _GROWING:
        yield _owner(node.func.value), True


def _owner(target: ast.AST) -> str:
    """The variable behind a target: `history["loss"]` is part of `history`."""
    while isinstance(target, (ast.Subscript, ast.Starred)):
        target = target.value
    return ast.unparse(target)


def calling(names: tuple[str, ...], depth: int = 2) -> Line:
    """The line of the user's that calls a function of one of these names (or uses that operator), where there is only one.

    Looked for in the functions that are running, then in the whole files that they stand in.
    """
    frame: FrameType | None = sys._getframe(depth)
    frames = []
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            frames.append(frame)
        frame = frame.f_back
    for whole in (False, True):
        found = {line for frame in frames for line in _using(frame, names, whole)}
        if len(found) == 1:
            file, number = found.pop()
            return line_at((file, number))
    return Line()


def _using(frame: FrameType, names: tuple[str, ...], whole: bool) -> Iterator[tuple[str, int]]:
    file, text = frame.f_code.co_filename, "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    first, last = frame.f_code.co_firstlineno, max((n for *_, n in frame.f_code.co_lines() if n), default=0)
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a cell with magics in it
        return
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        if isinstance(node, ast.BinOp):
            name = {ast.Div: "/", ast.Pow: "**"}.get(type(node.op), "")
        if name in names and (whole or first <= node.lineno <= last):  # type: ignore[attr-defined]
            yield file, node.lineno  # type: ignore[attr-defined]
