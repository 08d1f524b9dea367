"""Which statement stands at a line, and which loops around it: questions to a tree that change nothing."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable

_MAGIC = re.compile(r"\s*[%!?]|.*\?\s*$|\s*[\w., ]+=\s*[%!]")  # what IPython reads before Python does
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Refused(Exception):
    """An edit that can't be made for certain."""


def parsed(source: str) -> ast.Module:
    """The tree of a source. Lines that are IPython's own stand in it as `pass`."""
    rows = [re.sub(r"\S.*", "pass", row, count=1) if _MAGIC.match(row) else row for row in source.split("\n")]
    for text in (source, "\n".join(rows)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                compile(text, "<edited>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
                return ast.parse(text)
            except (SyntaxError, ValueError) as error:
                reason = error
    raise Refused(f"the source does not parse: {reason}")


def first_line(statement: ast.stmt) -> int:
    """The line that it begins with, decorators included."""
    return min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])


def last_line(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def within(tree: ast.Module, line: int) -> list[ast.stmt]:
    """The statements that hold a line, from the outermost to the innermost.

    >>> [type(s).__name__ for s in within(ast.parse("for x in y:\\n    if x:\\n        f(x)"), 3)]
    ['For', 'If', 'Expr']
    """
    chain: list[ast.stmt] = []
    inner: list[ast.AST] = [tree]
    while inner:
        held = [s for node in inner for s in _children(node) if first_line(s) <= line <= last_line(s)]
        chain += held[-1:]
        inner = list(held[-1:])
    return chain


def _children(node: ast.AST) -> list[ast.stmt]:
    """The statements right below a node; those of its branches and handlers, too."""
    found: list[ast.stmt] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            found.append(child)
        elif isinstance(child, ast.excepthandler | ast.match_case):
            found += _children(child)
    return found


def loops_around(chain: list[ast.stmt], line: int) -> list[ast.stmt]:
    """The loops of a chain that run within one call: a function's end is the end of the chain. A comprehension makes a statement a loop."""
    here = chain[1 + max((i for i, s in enumerate(chain[:-1]) if isinstance(s, _SCOPES)), default=-1) :]
    return [s for s in here if isinstance(s, _LOOPS) or (s is here[-1] and _comprehends(s, line))]


def _comprehends(statement: ast.stmt, line: int) -> bool:
    found = [n for n in ast.walk(statement) if isinstance(n, _COMPREHENSIONS)]
    return any(n.lineno <= line <= (n.end_lineno or n.lineno) for n in found) and not isinstance(statement, _SCOPES)


def block_of(tree: ast.Module, statement: ast.stmt) -> list[ast.stmt]:
    """The statements that it stands among, itself included."""
    lists = [block for node in ast.walk(tree) for _, block in ast.iter_fields(node) if isinstance(block, list)]
    return next(block for block in lists if any(s is statement for s in block))


def is_alone(rows: list[str], statement: ast.stmt) -> bool:
    """Whether its lines hold nothing else, apart from comments."""
    before = rows[statement.lineno - 1].encode()[: statement.col_offset].decode()
    behind = rows[last_line(statement) - 1].encode()[statement.end_col_offset :].decode().strip()
    return not before.strip() and (not behind or behind.startswith("#")) and not _is_elif(rows, statement)


def _is_elif(rows: list[str], statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and rows[statement.lineno - 1].lstrip().startswith("elif")


def spans_strings(statement: ast.stmt) -> bool:
    """Whether a text in it goes over several lines, which an indentation would change."""
    texts = [n for n in ast.walk(statement) if isinstance(n, ast.JoinedStr | ast.Constant)]
    return any(n.lineno != n.end_lineno for n in texts)


def names(nodes: Iterable[ast.AST], context: type[ast.expr_context]) -> set[str]:
    """The variables that are read (`ast.Load`) or set (`ast.Store`) in them."""
    found = [n for node in nodes for n in ast.walk(node)]
    own = {n.id for n in found if isinstance(n, ast.Name) and isinstance(n.ctx, context)}
    if context is ast.Store:
        own |= {a.asname or a.name.partition(".")[0] for n in found if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names}
        own |= {n.name for n in found if isinstance(n, _SCOPES)}
    return own


def names_in(tree: ast.Module, here: int, there: int) -> list[ast.AST]:
    """The variables that a statement at one line passes by on its way to another one."""
    low, high = min(here, there), max(here, there)
    return [n for n in ast.walk(tree) if isinstance(n, ast.Name) and low <= n.lineno < high and n.lineno != here]


def set_in(loops: list[ast.stmt], but: ast.stmt) -> set[str]:
    """The variables that loops set, a statement in them left out."""
    own = set(ast.walk(but))
    return names([n for loop in loops for n in ast.walk(loop) if isinstance(n, ast.Name) and n not in own], ast.Store)


def tree_of(text: str) -> ast.Module:
    """The tree of a statement by itself; a head with nothing under it is read as if there were."""
    for rest in ("", "\n    pass"):
        try:
            return ast.parse(text + rest)
        except SyntaxError as error:
            reason = error
    raise Refused(f"no statement by itself: {reason}")


def says_nothing(text: str) -> bool:
    """Whether a statement sets a variable to itself.

    >>> says_nothing("loss = loss"), says_nothing("loss = cost")
    (True, False)
    """
    only = tree_of(text).body[0]
    return isinstance(only, ast.Assign) and [ast.unparse(only.value)] == [ast.unparse(target) for target in only.targets]
