"""Parts of one statement, found by its tree and changed in its text: all around them stays as it was typed."""

from __future__ import annotations

import ast
import dataclasses
from typing import TypeVar

from .statements import Refused

T = TypeVar("T")
_MODULES = {"", "F", "torch", "functional", "nn", "special"}  # of functions rather than tensors


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a statement: its value; or, of the only call of a function by that last word, what it is called on, or an argument.

    `argument` is a place from 0 or a keyword; None is what stands before the dot.
    """

    call: str = ""
    argument: int | str | None = None


def unwrapped(text: str, name: str) -> str:
    """The statement with what each call of `name` was given, or was called on, in its place; the attribute `data` goes, too.

    >>> unwrapped("return F.softmax(self.head(x), dim=1)", "softmax"), unwrapped("z = (a + b).detach() * 2", "detach")
    ('return self.head(x)', 'z = (a + b) * 2')
    """
    found = _kept(text, name)
    if not found:
        raise Refused(f"{name} is not there")
    while found:
        text = _put(text, *found[0])
        found = _kept(text, name)
    return text


def _kept(text: str, name: str) -> list[tuple[ast.expr, ast.expr]]:
    """Each call of a function, and what it was given or was called on."""
    found: list[tuple[ast.expr, ast.expr]] = [(call, call.args[0] if _takes(call) else _before(call)) for call in _calls(text, name)]
    return found + [(n, n.value) for n in ast.walk(_tree(text)) if isinstance(n, ast.Attribute) and n.attr == name == "data"]


def with_argument(text: str, name: str, keyword: str, value: str, place: int = -1) -> str:
    """The statement with an argument of its only call of `name` set to a value, or added; `place`: where it stands without a keyword.

    >>> with_argument("x = dropout(x)", "dropout", "training", "self.training"), with_argument("softmax(x, 0)", "softmax", "dim", "1", 1)
    ('x = dropout(x, training=self.training)', 'softmax(x, 1)')
    """
    call = _only(_calls(text, name), name)
    given = [k.value for k in call.keywords if k.arg == keyword] or call.args[place : place + 1] * (place >= 0)
    if given:
        return _put(text, given[0], None, value)
    if any(k.arg is None for k in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        raise Refused("what it is given is not written there")
    last = max((_offsets(text, a)[1] for a in (*call.args, *(k.value for k in call.keywords))), default=0)
    place = last or _offsets(text, call)[1] - 1
    changed = f"{text[:place]}{', ' * bool(last)}{keyword}={value}{text[place:]}"
    if not any(k.arg == keyword for k in _only(_calls(changed, name), name).keywords):
        raise Refused("there is no place for it")
    return changed


def enclosed(text: str, part: Part, form: str) -> str:
    """The statement with a form around one of its parts, which stands for `{}` in it.

    >>> enclosed("total += loss", Part(), "{}.item()"), enclosed("losses.append(a + b)", Part("append", 0), "{}.item()")
    ('total += loss.item()', 'losses.append((a + b).item())')
    """
    node = _part(text, part)
    return _put(text, node, node, form)


def _part(text: str, part: Part) -> ast.expr:
    if not part.call:
        values = [getattr(statement, "value", None) for statement in _tree(text).body]
        return _only([value for value in values if isinstance(value, ast.expr)], "a value")
    call = _only(_calls(text, part.call), part.call)
    if part.argument is None:
        return _before(call)
    if isinstance(part.argument, int):
        return _only(call.args[part.argument : part.argument + 1], part.argument)
    return _only([k.value for k in call.keywords if k.arg == part.argument], part.argument)


def _tree(text: str) -> ast.Module:
    """The tree of a statement; a head with nothing under it is read as if there were."""
    for rest in ("", "\n    pass"):
        try:
            return ast.parse(text + rest)
        except SyntaxError as error:
            reason = error
    raise Refused(f"no statement by itself: {reason}")


def _calls(text: str, name: str) -> list[ast.Call]:
    return [n for n in ast.walk(_tree(text)) if isinstance(n, ast.Call) and ast.unparse(n.func).rpartition(".")[2] == name]


def _takes(call: ast.Call) -> bool:
    """Whether a call is given what it works on, as a function of a module or by its name: `F.softmax(x)`, not `x.softmax(1)`."""
    space = ast.unparse(call.func.value).split(".")[-1] if isinstance(call.func, ast.Attribute) else ""
    return bool(call.args) and space in _MODULES


def _before(call: ast.Call) -> ast.expr:
    if not isinstance(call.func, ast.Attribute):
        raise Refused("it is called on nothing")
    return call.func.value


def _only(found: list[T], what: object) -> T:
    if len(found) != 1:
        raise Refused(f"{what} is there {len(found)} times")
    return found[0]


def _offsets(text: str, node: ast.expr) -> tuple[int, int]:
    """Where a node's text begins and ends; Python before 3.12 does not know it for what stands in a text with braces."""
    rows = text.split("\n")

    def offset(line: int | None, column: int | None) -> int:
        before = rows[: (line or 1) - 1]
        return sum(len(row) + 1 for row in before) + len(rows[len(before)].encode()[:column].decode())

    begin, end = offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)
    if _dump(f"({text[begin:end]})") != ast.dump(ast.Module([ast.Expr(node)], [])):
        raise Refused("its place in the text is not known")
    return begin, end


def _dump(text: str) -> str:
    return ast.dump(_tree(text))


def _put(text: str, whole: ast.expr, kept: ast.expr | None, form: str = "{}") -> str:
    """Put a form around the kept part for the whole, in brackets where what stands around would read it otherwise."""
    begin, end = _offsets(text, whole)
    own = "" if kept is None else text[slice(*_offsets(text, kept))]
    wanted = form.replace("{}", f"({own})")
    meant = _dump(text[:begin] + f"({wanted})" + text[end:])
    for part in (form.replace("{}", own), wanted, f"({wanted})"):
        changed = text[:begin] + part + text[end:]
        if _dump(changed) == meant:
            return changed
    raise Refused("it reads otherwise then")
