"""A fix as a cell: the user's own cell, changed; or lines in their names, with the imports that they lack; else a comment."""

from __future__ import annotations

import ast
import builtins
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..engine.errors import UserMistake
from .asked_about import asked_of, parts_of
from .changed_cell import typed_in

if TYPE_CHECKING:
    from ..engine.evidence import Finding
    from ..engine.report import Report

_USUAL = {"torch": "import torch", "nn": "from torch import nn", "F": "from torch.nn import functional as F"}
_USUAL |= {"functional": "from torch.nn import functional"}
_COMMANDS = ["notebook:insert-cell-below", "notebook:replace-selection"]
_ELSEWHERE = "# Change this where it stands in your program{}:"
COMMAND = "apputils:run-all-enabled"


def put_below(shell: Any, report: Report) -> None:
    """Put the fixes of a report into the next cell."""
    found = [finding for finding in report.alarms if finding.fix.code]
    if not found:
        raise UserMistake("no finding of this report comes with code", do="see the fix of each finding")
    whole, changed = _changed(shell, report, found)
    first = ["\n".join([*map(_head, whole), changed])] if whole else []
    shell.set_next_input("\n\n".join([*first, *(cell(f, shell.user_ns) for f in found if f not in whole)]), replace=False)


def written(shell: Any, report: Report, finding: Finding) -> tuple[str, bool]:
    """What to write for one finding, and whether it is a cell that runs: their own, changed; or lines; or else a comment."""
    whole, changed = _changed(shell, report, [finding])
    if whole:
        return f"{_head(finding)}\n{changed}", True
    return cell(finding, shell.user_ns), runs(finding.fix.code, shell.user_ns)


def _changed(shell: Any, report: Report, found: Sequence[Finding]) -> tuple[list[Finding], str]:
    """As many of the findings as one cell of theirs can be changed for, the first ones before others; and that cell."""
    whole: list[Finding] = []
    changed = ""
    found = [finding for finding in found if finding.fix.edits]
    if not found:
        return whole, changed
    typed, asked = typed_in(shell), asked_of(report, shell.user_ns)
    for finding in found:
        text = typed.changed([edit for one in (*whole, finding) for edit in one.fix.edits], asked, parts_of(asked, shell.user_ns))
        whole, changed = ([*whole, finding], text) if text is not None else (whole, changed)
    return whole, changed


def cell(finding: Finding, visible: Mapping[str, Any]) -> str:
    """Lines to run. Those that belong into a function, a call or a loop are a comment, which says what to change there.

    >>> from dldebug_magics.engine.evidence import Confidence, Evidence, Finding, Fix
    >>> fix = Fix("Raise the rate.", "opt = torch.optim.SGD(net.parameters(), lr=1)")
    >>> lr_too_low = type("Check", (), {"name": "lr_too_low"})
    >>> print(cell(Finding(lr_too_low, Evidence(Confidence.LIKELY, fix=fix), Confidence.LIKELY), {"net": print, "opt": print}))
    # lr_too_low: Raise the rate.
    import torch
    opt = torch.optim.SGD(net.parameters(), lr=1)
    """
    code = finding.fix.code
    if not runs(code, visible):
        where = f" ({finding.where})" if re.search(r", line \d+", finding.where) else ""
        return "\n".join([_head(finding), _ELSEWHERE.format(where), *(f"# {line}" for line in code.splitlines())])
    wanted = [line for word, line in _USUAL.items() if word in _names(code) and word not in visible]
    return "\n".join([_head(finding), *wanted, code])


def _head(finding: Finding) -> str:
    return f"# {finding.name}: {finding.fix.sentence}"


def insert(text: str) -> str:
    """The arguments, as JSON, with which JupyterLab's `COMMAND` puts a text into a new cell below the active one."""
    return json.dumps({"commands": _COMMANDS, "args": {"text": text}})


def runs(code: str, visible: Mapping[str, Any]) -> bool:
    """Whether code is a cell of its own: each statement changes a model, a loss, an optimizer or a loader that is there.

    >>> lines = ("net.train()", "return net(x)", "x = x / 255", "net.head = nn.Linear(...)", "width = 4", "net = other(net)")
    >>> [runs(line, {"net": print, "x": 1}) for line in lines]
    [True, False, False, False, False, False]
    """
    try:
        compile(code, "fix", "exec")
    except SyntaxError:
        return False
    tree = ast.parse(code)
    left_open = any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(tree))
    known = {*visible, *_USUAL, *vars(builtins), *_made_here(tree)}
    whole = not left_open and " between " not in code and _names(code) <= known
    return whole and all(_changes_a_part(statement, visible) for statement in tree.body)


def _changes_a_part(statement: ast.stmt, visible: Mapping[str, Any]) -> bool:
    """Whether a statement sets a part of the program, or calls something with one."""
    if isinstance(statement, (ast.Assign, ast.AugAssign)):
        changed: list[ast.AST] = [*(statement.targets if isinstance(statement, ast.Assign) else [statement.target])]
        return all(_is_part(visible.get(_root(target))) for target in changed)
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return True
    looked_at = statement.iter if isinstance(statement, ast.For) else statement
    called = isinstance(statement, ast.For) or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call))
    return called and any(_is_part(visible.get(name)) for name in _names(ast.unparse(looked_at)))


def _is_part(value: Any) -> bool:
    return callable(value) or hasattr(value, "param_groups") or hasattr(value, "dataset")


def _root(target: ast.AST) -> str:
    """The name that a target begins with: `net` of `net[0].bias.data[:]`."""
    while isinstance(target, (ast.Attribute, ast.Subscript)):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _names(code: str) -> set[str]:
    """The names that code reads or sets."""
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def _made_here(tree: ast.AST) -> set[str]:
    """The names of loops and comprehensions, and those that are imported."""
    nodes = list(ast.walk(tree))
    loops = [node.target for node in nodes if isinstance(node, (ast.For, ast.comprehension))]
    names = {node.id for loop in loops for node in ast.walk(loop) if isinstance(node, ast.Name)}
    return names | {alias.asname or alias.name for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names}
