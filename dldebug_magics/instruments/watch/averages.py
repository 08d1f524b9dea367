"""What becomes of a number that the user's code adds up batch by batch: by what it is divided in the end, read off the source that runs."""

from __future__ import annotations

import ast
import functools
import linecache
import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any, NamedTuple

from ..source_lines import Line, is_users, line_at
from .divisions import divided

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


class Average(NamedTuple):
    """The variable `name` is divided at a `line` by the number of "batches" or of "samples". `kept`: it is never set back for an epoch."""

    name: str
    by: str
    line: Line
    kept: bool = False


def average_at(known: dict[tuple[str, int], Average | None], depth: int) -> Average | None:
    """The average that the user's running line adds up for; None where it is none, or weights what it adds. Each line is read once."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return None
    spot = frame.f_code.co_filename, frame.f_lineno
    if spot not in known:
        known[spot] = _average(frame) if _may_add(frame.f_code) else None
    return known[spot]


def _may_add(code: CodeType) -> bool:
    """Whether a function's own lines hold an addition at all: to read the whole file takes long."""
    if code.co_name.startswith("<"):
        return True
    lines = range(code.co_firstlineno, max((n for *_, n in code.co_lines() if n), default=0) + 1)
    return any(sign in linecache.getline(code.co_filename, n) for n in lines for sign in ("+", "append", "sum"))


@functools.lru_cache(maxsize=8)
def _tree(text: str) -> ast.AST:
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a cell with magics in it
        return ast.Module([], [])
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.above = node  # type: ignore[attr-defined]
    return tree


def _average(frame: FrameType) -> Average | None:
    tree, line = _tree("".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))), frame.f_lineno
    here = [node for node in ast.walk(tree) if getattr(node, "lineno", line + 1) <= line <= getattr(node, "end_lineno", 0)]
    for adding in reversed(here):
        name, added = _added(adding)
        if name and not any(isinstance(n, ast.BinOp) and isinstance(n.op, (ast.Mult, ast.Div)) for n in ast.walk(added)):
            scope = next((above for above in _above(adding) if isinstance(above, _FUNCTIONS)), tree)
            nodes = [node for node in ast.walk(scope) if isinstance(node, (ast.stmt, ast.expr))]
            ends = [(node.lineno, node, by) for node in nodes if (by := divided(node, name, scope, frame))]
            if len({by for *_, by in ends}) == 1:
                number, node, by = ends[-1]
                told = line_at((frame.f_code.co_filename, number))
                return Average(name, by, told, _kept(name, adding, node))
    return None


def _added(node: ast.AST) -> tuple[str, ast.AST]:
    """The variable that a statement adds to, and what it adds: `n += x`, `n = n + x`, `n.append(x)`, `sum(x for ...)`."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        return ast.unparse(node.target), node.value
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Add):
        name = ast.unparse(node.targets[0])
        return (name, node.value.right) if ast.unparse(node.value.left) == name else ("", node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append" and len(node.args) == 1:
        return ast.unparse(node.func.value), node.args[0]
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "sum" and node.args and isinstance(node.args[0], ast.GeneratorExp):
        return ast.unparse(node), node.args[0].elt
    return "", node


def _kept(name: str, adding: ast.AST, dividing: ast.AST) -> bool:
    """Whether the loop around both adding and dividing never sets the variable back; the adding has a loop of its own in there."""
    *_, tree = _above(adding)
    shared = any(isinstance(n, (ast.Global, ast.Nonlocal)) and name in n.names for n in ast.walk(tree))
    if isinstance(dividing, ast.AugAssign) or "." in name or shared or not isinstance(adding, (ast.AugAssign, ast.Assign)):
        return False
    inner, outer = ([a for a in _above(node) if isinstance(a, (*_LOOPS, *_FUNCTIONS))] for node in (adding, dividing))
    if not outer or isinstance(outer[0], _FUNCTIONS) or outer[0] not in inner[1:]:
        return False
    sets = [n for n in ast.walk(outer[0]) if isinstance(n, (ast.Assign, ast.AnnAssign, ast.For)) and n is not adding]
    return not any(name in [ast.unparse(t) for t in ast.walk(target)] for n in sets for target in _targets(n))


def _targets(node: Any) -> list[ast.AST]:
    return [*node.targets] if isinstance(node, ast.Assign) else [node.target]


def _above(node: ast.AST) -> Iterator[ast.AST]:
    while (found := getattr(node, "above", None)) is not None:
        node = found
        yield node
