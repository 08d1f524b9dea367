"""Which names a line may use where it is put, and what it is that a name or a condition leads to."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence

from .statements import Refused, first_line, names, within

_TRAINERS = {"fit", "fit_one_cycle", "partial_fit", "fine_tune", "run"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def fits(tree: ast.Module, chain: list[ast.stmt], nodes: Sequence[ast.AST]) -> None:
    """Refuse what reads a name that is not known inside of a chain of statements, or would make a variable of a function its own.

    What a module knows can't be told: a cell has the names of the cells before it.
    """
    functions = [s for s in chain if isinstance(s, _FUNCTIONS)]
    if not functions:
        return
    inner = names([c.target for node in nodes for c in ast.walk(node) if isinstance(c, ast.comprehension)], ast.Store)
    known = {*inner, *vars(builtins), *(name for scope in (tree, *functions) for name in bound(scope)), *names([functions[-1]], ast.Load)}
    own = _attributes([s for s in chain if isinstance(s, ast.ClassDef)][-1:])
    lost = names(nodes, ast.Load) - known | _attributes(nodes, ast.Load) - own
    fresh = names(nodes, ast.Store) - {*inner, *bound(functions[-1])}
    if lost or fresh:
        raise Refused(f"{', '.join(sorted(lost | fresh))}: not known there")


def setting(tree: ast.Module, chain: list[ast.stmt], name: str) -> ast.stmt:
    """The only statement that sets a variable, or an attribute of one, as it is known inside of a chain of statements."""
    scopes = ast.ClassDef if name.startswith("self.") else _FUNCTIONS
    found = [s for s in ast.walk(tree) if isinstance(s, ast.Assign | ast.AnnAssign) and name in map(ast.unparse, _targets(s))]
    known = [s for s in found if all(scope in chain for scope in within(tree, s.lineno) if isinstance(scope, scopes))]
    given = [a.arg for s in chain if isinstance(s, _FUNCTIONS) for a in ast.walk(s.args) if isinstance(a, ast.arg)]
    if len(known) != 1 or name in given:
        raise Refused(f"{name} is set {len(known)} times")
    return known[0]


def _targets(statement: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return statement.targets if isinstance(statement, ast.Assign) else [statement.target]


def _attributes(nodes: Sequence[ast.AST], context: type[ast.expr_context] = ast.expr_context) -> set[str]:
    """What is read or set of `self`, such as `self.net`; every module has `self.training`."""
    found = [n for node in nodes for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
    found = [n for n in found if isinstance(n.ctx, context)]
    return {ast.unparse(n) for n in found if ast.unparse(n.value) == "self"} - {"self.training"}


def bare(tree: ast.Module, chain: list[ast.stmt], name: str) -> ast.stmt:
    """The only statement of a function, or of a module, that is a method of this name without the brackets of a call."""
    scope = next((s for s in reversed(chain) if isinstance(s, _FUNCTIONS)), tree)
    lone = [s for s in ast.walk(scope) if isinstance(s, ast.Expr) and isinstance(s.value, ast.Attribute) and s.value.attr == name]
    if len(lone) != 1:
        raise Refused(f"{len(lone)} of {name} without brackets")
    return lone[0]


def with_condition(tree: ast.Module, statement: ast.stmt, target: ast.stmt) -> ast.stmt:
    """A statement with the `if` that it stands under, where it leaves that for another place; with others under it, it can't."""
    kept = within(tree, first_line(target))
    for outer in reversed(within(tree, first_line(statement))):
        if isinstance(outer, ast.If) and outer is not statement and outer not in kept:
            if outer.orelse or outer.body != [statement]:
                raise Refused("it stands under a condition with others")
            statement = outer
    return statement


def users_own(tree: ast.Module, line: int) -> list[ast.stmt]:
    """The statements that hold a line; none where a library trains there (`trainer.fit(net)`), in whose code stands what was seen."""
    chain = within(tree, line)
    simple = [s for s in chain[-1:] if not hasattr(s, "body")]
    called = [ast.unparse(n.func) for s in simple for n in ast.walk(s) if isinstance(n, ast.Call)]
    return [] if any(name.rpartition(".")[2] in _TRAINERS or name.lower().endswith("trainer.train") for name in called) else chain


def attribute(tree: ast.Module, chain: list[ast.stmt], name: str) -> ast.stmt:
    """The only statement of a source that sets an attribute of this name, of whatever it is."""
    assigned = [s for s in ast.walk(tree) if isinstance(s, ast.Assign)]
    found = [s for s in assigned if any(isinstance(target, ast.Attribute) and target.attr == name for target in s.targets)]
    if len(found) != 1:
        raise Refused(f"{name} is set {len(found)} times")
    return found[0]


def last(tree: ast.Module, chain: list[ast.stmt], name: str) -> ast.stmt:
    """The statement that sets a variable last before another one, in the same block or in one that is around it."""
    before = [
        s for s in ast.walk(tree) if isinstance(s, ast.Assign) and s.lineno < chain[-1].lineno and name in map(ast.unparse, s.targets)
    ]
    around = [s for s in before if all(other in chain for other in within(tree, s.lineno)[:-1])]
    if not around or max(before, key=lambda s: s.lineno) is not max(around, key=lambda s: s.lineno):
        raise Refused(f"which line sets {name} is not known")
    return max(around, key=lambda s: s.lineno)


def returning(tree: ast.Module, chain: list[ast.stmt], name: str) -> ast.stmt:
    """The only statement that gives the value of the function which stands at a line."""
    found = [s for s in ast.walk(chain[-1]) if isinstance(s, ast.Return) and s.value is not None]
    if not isinstance(chain[-1], ast.FunctionDef) or len(found) != 1:
        raise Refused(f"a value is given {len(found)} times")
    return found[0]


named = {"return": returning, "set": setting, "last": last, "bare": bare, "attribute": attribute}  # ways to a statement by a name


def bound(scope: ast.AST) -> Iterator[str]:
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
