"""What a truth depends on, as a hash: change the injection or the program and its truth is found anew; change a comment and it stands."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from . import data, kind, program, results, scores, surgery

SHARED = (data, kind, program, results, scores, surgery)


def digest(made: Any, inject: Any) -> str:
    """The hash of a program's family and of all that an injection uses, with what both share."""
    shared = [_meaning(_tree(module)) for module in SHARED]
    return _hash([*shared, _meaning(_tree(inspect.getmodule(made))), *reached(inject.__name__, inspect.getmodule(inject))])


def reached(name: str, module: ModuleType | None) -> list[str]:
    """The meaning of a definition and, in order, of all that it uses of its module.

    >>> len(reached("reached", inspect.getmodule(reached))) > 2
    True
    """
    top = {name: node for node in _tree(module).body for name in _names(node)}
    wanted, found = [name], {}
    while wanted:
        one = wanted.pop()
        if one in top and one not in found:
            found[one] = _meaning(top[one])
            wanted += [node.id for node in ast.walk(top[one]) if isinstance(node, ast.Name)]
    return [found[one] for one in sorted(found)]


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    return [target.id for target in node.targets if isinstance(target, ast.Name)] if isinstance(node, ast.Assign) else []


@functools.cache
def _tree(module: ModuleType | None) -> ast.Module:
    """A module's syntax without its docstrings."""
    tree = ast.parse(Path(inspect.getsourcefile(module)).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            node.body = body[1:]
    return tree


def _meaning(node: ast.AST) -> str:
    return ast.unparse(node)  # and not `dump`, which every version of Python writes in its own way


def _hash(texts: list[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]
