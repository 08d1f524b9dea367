"""By what the user's code divides a variable: the number of batches, or of samples, read off its source and the objects that it names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import FrameType
from typing import Any

from torch.utils.data import DataLoader

from ..source_lines import is_users


def divided(node: ast.AST, name: str, scope: ast.AST, frame: FrameType) -> str:
    """By what a division, or a mean, of this variable divides it; empty where it is none, or where that is not known."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div) and ast.unparse(node.target) == name:
        return _of(node.value, name, scope, frame)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and name in map(ast.unparse, _bare(node.left)):
        return _of(node.right, name, scope, frame)
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mean"):
        inside = [inner for given in node.args for inner in _bare(given)]
        return "batches" if name in map(ast.unparse, inside) else ""
    return ""


def _bare(node: ast.AST) -> Iterator[ast.AST]:
    """A value, and what stands in it behind `100 *`, `float(...)`, `sum(...)` or `.item()`."""
    yield node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from (part for side in (node.left, node.right) for part in _bare(side))
    elif isinstance(node, ast.Call):
        yield from (part for given in (node.args or [getattr(node.func, "value", node.func)])[:1] for part in _bare(given))


def _of(node: ast.AST, name: str, scope: ast.AST, frame: FrameType) -> str:
    if isinstance(node, ast.Name):
        set_to = [n.value for n in ast.walk(scope) if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == node.id]
        node = set_to[0] if len(set_to) == 1 else node
    if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "len" and len(node.args) == 1):
        return ""
    counted = ast.unparse(node.args[0])
    if counted == name:
        return "batches"
    if counted.endswith(".dataset"):
        return "samples"
    return "batches" if isinstance(_value(counted, frame), DataLoader) else ""


def _value(path: str, frame: FrameType | None) -> Any:
    first, *rest = path.split(".")
    thing: Any = None
    while frame is not None and thing is None and is_users(frame.f_code.co_filename):
        thing, frame = frame.f_locals.get(first, frame.f_globals.get(first)), frame.f_back  # a comprehension may have a frame of its own
    for name in rest:
        thing = getattr(thing, "__dict__", {}).get(name)
    return thing
