"""A line of the user's with one argument of a call set to another value: the changed line, in the user's own words."""

from __future__ import annotations

import ast


def with_argument(source: str, name: str, argument: str, value: object) -> str:
    """The statement with that argument of the calls of `name`; empty where the line can't be read or has no such call.

    It counts as given by position where that position is the first behind the tensor, as `dim` is in `softmax`.

    >>> with_argument("return F.softmax(self.head(x), dim=0)", "softmax", "dim", 1)
    'return F.softmax(self.head(x), dim=1)'
    >>> with_argument("a = scores.softmax(0)", "softmax", "dim", -1)
    'a = scores.softmax(dim=-1)'
    >>> with_argument("return (", "softmax", "dim", 1)
    ''
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == name]
    for call in calls:
        kept = 1 if _of_namespace(call) else 0
        call.args = call.args[:kept]
        call.keywords = [k for k in call.keywords if k.arg != argument] + [ast.keyword(argument, ast.parse(repr(value), mode="eval").body)]
    return ast.unparse(tree) if calls else ""


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)


def _of_namespace(call: ast.Call) -> bool:
    """Whether the tensor is the first argument: `F.softmax(x)`, `softmax(x)`; not in `x.softmax()`."""
    if isinstance(call.func, ast.Name):
        return True
    spoken = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    return spoken.split(".")[-1] in {"F", "torch", "functional", "nn", "special"}
