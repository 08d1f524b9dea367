"""Which names a new line may use where it is put: a name that is not there would end the user's program."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from .statements import Refused, names

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def fits(tree: ast.Module, chain: list[ast.stmt], nodes: list[ast.AST]) -> None:
    """Refuse what reads a name that is not known inside of a chain of statements, or would make a variable of a function its own.

    What a module knows can't be told: a cell has the names of the cells before it.
    """
    functions = [s for s in chain if isinstance(s, _FUNCTIONS)]
    if not functions:
        return
    known = {*vars(builtins), *(name for scope in (tree, *functions) for name in _bound(scope)), *names([functions[-1]], ast.Load)}
    lost = names(nodes, ast.Load) - known
    fresh = names(nodes, ast.Store) - set(_bound(functions[-1]))
    if lost or fresh:
        raise Refused(f"{', '.join(sorted(lost | fresh))}: not known there")


def setting(tree: ast.Module, chain: list[ast.stmt], name: str) -> ast.stmt:
    """The only statement that sets a variable, or an attribute of one, as it is known inside of a chain of statements."""
    own = [ast.unparse(statement.args) for statement in chain if isinstance(statement, _FUNCTIONS)]
    found = [s for s in ast.walk(tree) if isinstance(s, ast.Assign | ast.AnnAssign) and name in map(ast.unparse, _targets(s))]
    if len(found) != 1 or any(name == argument.arg for text in own for argument in _arguments(text)):
        raise Refused(f"{name} is set {len(found)} times")
    return found[0]


def _targets(statement: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return statement.targets if isinstance(statement, ast.Assign) else [statement.target]


def _arguments(text: str) -> list[ast.arg]:
    return [node for node in ast.walk(ast.parse(f"def f({text}): pass")) if isinstance(node, ast.arg)]


def _bound(scope: ast.AST) -> Iterator[str]:
    """The names that a module or a function sets itself: its arguments, and what its statements bind."""
    if isinstance(scope, _FUNCTIONS):
        yield from (node.arg for node in ast.walk(scope.args) if isinstance(node, ast.arg))
    pending = list(getattr(scope, "body", ()))
    while pending:
        node = pending.pop()
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield node.name
        elif not isinstance(node, ast.Lambda):
            yield from names([node], ast.Store) if isinstance(node, ast.Name | ast.Import | ast.ImportFrom) else ()
            pending += ast.iter_child_nodes(node)
