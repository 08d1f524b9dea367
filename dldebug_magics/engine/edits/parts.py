"""What of a statement an edit is about: a part of it, named by the call that it belongs to, and found in its tree."""

from __future__ import annotations

import ast
import dataclasses
import re
from typing import TypeVar

from .places import offsets
from .statements import Refused, tree_of

_LOSS = re.compile(r"loss|crit|objective|entropy|nll|mse|bce|cost|error", re.IGNORECASE)
_OPERATORS = {"-": ast.Sub, "/": ast.Div}
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a statement: its value; or, of the only call of a function by that last word, what it is called on, or an argument.

    `argument` is a place from 0 or a keyword, or "()" for the call itself; None is what stands before the dot. "-" and "/" are calls of
    two; "(,)" is the only call of two or more with the name of a loss; "lambda" the value of the only one. Without a call, a place is
    that in the tuple which one name is set to.
    """

    call: str = ""
    argument: int | str | None = None


def call_of(text: str, part: Part) -> tuple[ast.expr, str]:
    """A part of a statement, and its text."""
    node = part_of(text, part)
    return node, text[slice(*offsets(text, node))]


def part_of(text: str, part: Part) -> ast.expr:
    if not part.call:
        values = [getattr(statement, "value", None) for statement in tree_of(text).body]
        value = only([value for value in values if isinstance(value, ast.expr)], "a value")
        return value if part.argument is None else _item(tree_of(text).body[0], int(part.argument))
    if part.call == "lambda":
        return only([n.body for n in ast.walk(tree_of(text)) if isinstance(n, ast.Lambda)], part.call)
    if part.call in _OPERATORS:
        two = [(n.left, n.right) for n in ast.walk(tree_of(text)) if isinstance(n, ast.BinOp) and isinstance(n.op, _OPERATORS[part.call])]
        return only(two, part.call)[int(part.argument or 0)]
    call = only(calls_of(text, part.call), part.call)
    if part.argument is None or part.argument == "()":
        return call if part.argument else before(call)
    if isinstance(part.argument, int):
        return only(call.args[part.argument : part.argument + 1], part.argument)
    return only([k.value for k in call.keywords if k.arg == part.argument], part.argument)


def _item(statement: ast.stmt, place: int) -> ast.expr:
    """What stands at a place in a tuple of two or more that one name is set to."""
    named = isinstance(statement, ast.Assign) and all(isinstance(target, ast.Name) for target in statement.targets)
    held = statement.value if named and isinstance(statement, ast.Assign) else None
    if not isinstance(held, ast.Tuple) or len(held.elts) <= place or any(isinstance(part, ast.Starred) for part in held.elts):
        raise Refused("no tuple of these")
    return held.elts[place]


def calls_of(text: str, name: str) -> list[ast.Call]:
    calls = [n for n in ast.walk(tree_of(text)) if isinstance(n, ast.Call)]
    if name == "(,)":
        return [call for call in calls if len(call.args) > 1 and _LOSS.search(ast.unparse(call.func))]
    return [call for call in calls if ast.unparse(call.func).rpartition(".")[2] == name]


def before(call: ast.Call) -> ast.expr:
    if not isinstance(call.func, ast.Attribute):
        raise Refused("it is called on nothing")
    return call.func.value


def only(found: list[T], what: object) -> T:
    if len(found) != 1:
        raise Refused(f"{what} is there {len(found)} times")
    return found[0]
