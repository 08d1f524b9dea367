"""The cells of this notebook as they were typed and run, and what each of their statements reads, sets and touches."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence

from ..engine.edits.statements import Refused, names, parsed

_BY_MAGIC = re.compile(
    r"\s*[%!].*?(?<![.\w-])(\w+)\s*=(?!=)|\s*(\w+)\s*=\s*[%!]"
)  # `%time net = Net()`: a name is set, and no statement of ours
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_CALLED_ON = frozenset(
    "add_module append apply bfloat16 cpu cuda double eval extend float half insert load_state_dict register_buffer".split()
)
_CALLED_ON |= {"register_forward_hook", "register_full_backward_hook", "register_parameter", "to", "train"}
_OF_A_STEP = ("clip_grad_norm_", "clip_grad_value_")


@dataclasses.dataclass(frozen=True)
class Statement:
    """A statement at the top of a cell: its text, the names that it reads when it runs, those that it sets, and those that it changes.

    `plain`: whether it can be run again by itself, which loops, conditions and magics are not taken for.
    """

    cell: int
    line: int
    text: str
    reads: frozenset[str]
    sets: frozenset[str]
    touches: frozenset[str]
    plain: bool
    defines: bool = False
    imports: bool = False


def statements(cells: Sequence[str]) -> list[Statement]:
    """All statements of the cells, in the order in which they ran; a cell that is no Python has none."""
    return [statement for number, cell in enumerate(cells) for statement in _of(number, cell)]


def _of(number: int, cell: str) -> Iterator[Statement]:
    try:
        tree = parsed(cell)
    except Refused:
        return
    for row in filter(None, map(_BY_MAGIC.match, cell.split("\n"))):
        name = frozenset({row[1] or row[2]})
        yield Statement(number, 0, row[0], frozenset(re.findall(r"\w+", row.string)), name, name, plain=False)
    for node in tree.body:
        yield _read(number, cell, node)


def _read(number: int, cell: str, node: ast.stmt) -> Statement:
    now = list(_when_run(node))
    inner = names([c.target for c in ast.walk(node) if isinstance(c, ast.comprehension)], ast.Store)
    sets = frozenset({node.name} if isinstance(node, _SCOPES) else names([node], ast.Store) - inner)
    changed = {root for part in now for root in _changed(part)}
    simple = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Import, ast.ImportFrom, *_SCOPES)
    defines, imports = isinstance(node, _SCOPES), isinstance(node, (ast.Import, ast.ImportFrom))
    reads = names(now, ast.Load) - inner | (set(sets) if isinstance(node, ast.AugAssign) else set())
    text = _text(cell, node)
    return Statement(number, node.lineno, text, frozenset(reads), sets, sets | changed, isinstance(node, simple), defines, imports)


def _text(cell: str, node: ast.stmt) -> str:
    """A statement as it was typed, with what decorates it."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    own = ast.get_source_segment(cell, node) or ""
    return "\n".join([*cell.split("\n")[first - 1 : node.lineno - 1], own])


def _when_run(node: ast.AST) -> Iterator[ast.AST]:
    """What of a statement runs with it: of a function its decorators and defaults, of a class its body, and not the functions in that."""
    inner: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        inner = [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
    elif isinstance(node, ast.Lambda):
        inner = ()
    else:
        yield _alone(node)
    for child in inner:
        yield from _when_run(child)


def _alone(node: ast.AST) -> ast.AST:
    """A node that can be asked for its own names without those below it."""
    return node if isinstance(node, (ast.Name, ast.Call, ast.Attribute, ast.Subscript)) else ast.Pass()


def _changed(node: ast.AST) -> Iterator[str]:
    """The names whose values a node changes: `net` of `net.head = other`, `net.to(device)` and `init.zeros_(net.weight)`."""
    if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
        yield from _roots(node)
    elif isinstance(node, ast.Call):
        name = ast.unparse(node.func).rpartition(".")[2]
        in_place = name.endswith("_") and not name.endswith("__") and name not in _OF_A_STEP
        if isinstance(node.func, ast.Attribute) and (in_place or name in _CALLED_ON):
            yield from _roots(node.func)
        for argument in node.args if in_place else ():
            yield from _roots(argument)


def _roots(node: ast.AST) -> Iterator[str]:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id
