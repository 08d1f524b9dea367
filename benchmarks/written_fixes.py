"""What "write the fix" puts below, for the examples of every check: a cell that repairs, one that does not, or a comment.

Each program with a fault is typed into a notebook as people have it: imports, classes and functions, the program, the question. What
`report.apply()` writes for the cause is run as the next cell, and the question put again. `python benchmarks/written_fixes.py [NAME ...]`
"""

from __future__ import annotations

import ast
import collections
import contextlib
import dataclasses
import importlib.util
import inspect
import io
import sys
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from dldebug_magics.ask import experiment_of
from dldebug_magics.checks import all_checks
from dldebug_magics.engine.check import Check, Example
from dldebug_magics.engine.errors import UserMistake

STAGES = ("overfit", "data")
ROLES = ("model", "loss_fn", "optimizer", "train")
USUAL = {
    "model": "net",
    "loss_fn": "loss_fn",
    "optimizer": "optimizer",
    "train": "train_loader",
    "val": "val_loader",
    "test": "test_loader",
}


def notebook(check: Check, example: Example) -> list[str]:
    """The cells of an example: what it imports, what it defines, its statements, and the question."""
    module = inspect.getmodule(check.function)
    assert module is not None
    tree = ast.parse(inspect.getsource(module))
    defined = {node.name: node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    program, names = _inlined(defined, defined[example.__name__])
    used, pending = set[str](), [*program, *(ast.Name(name, ast.Load()) for name in names.values())]
    while pending:
        words = {n.id for n in ast.walk(pending.pop()) if isinstance(n, ast.Name)} - used
        used |= words
        pending += [defined[word] for word in words & set(defined)]
        pending += [
            node for node in tree.body if isinstance(node, ast.Assign) and words & {t.id for t in node.targets if isinstance(t, ast.Name)}
        ]
    others = [
        n
        for n in tree.body
        if getattr(n, "name", None) in used or (isinstance(n, ast.Assign) and {ast.unparse(t) for t in n.targets} & used)
    ]
    imports = "\n".join(line for node in tree.body if (line := _imported(node, str(module.__package__), used)))
    question = " ".join(
        [f"report = %{experiment_of(check.stage)}", *(f"--{_option(role)} {name}" for role, name in names.items()), "--quiet"]
    )
    return [imports, "\n\n\n".join(map(ast.unparse, others)), "\n".join(map(ast.unparse, program)), question]


def _option(role: str) -> str:
    return {"loss_fn": "loss"}.get(role, role)


def _imported(node: ast.stmt, package: str, used: set[str]) -> str:
    """An import of what is used, from where it stands for all."""
    if not isinstance(node, (ast.Import, ast.ImportFrom)) or (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
        return ""
    node.names = [alias for alias in node.names if (alias.asname or alias.name).partition(".")[0] in used]
    if isinstance(node, ast.ImportFrom) and node.level:
        node = ast.ImportFrom(importlib.util.resolve_name("." * node.level + (node.module or ""), package), node.names, 0)
    return ast.unparse(node) if node.names else ""


def _inlined(defined: dict[str, Any], example: ast.FunctionDef) -> tuple[list[ast.stmt], dict[str, str]]:
    """The statements of an example, those of the function that makes its program in the place of the call; and the name of each part."""
    *body, last = [s for s in example.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    call = getattr(last, "value", None)
    if isinstance(call, ast.Call) and ast.unparse(call.func) != "Subject" and ast.unparse(call.func) in defined:
        maker = defined[ast.unparse(call.func)]
        more, names = _inlined(defined, maker)
        return [*body, *_bound(maker.args, call), *more], names
    if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "Subject"):
        parts = "\n".join(f"{USUAL[role]} = program.{role}" for role in ROLES)
        return [*body, *ast.parse(f"program = {ast.unparse(call)}\n{parts}").body], {role: USUAL[role] for role in ROLES}  # type: ignore[arg-type]
    given = {**dict(zip(ROLES, call.args, strict=False)), **{str(k.arg): k.value for k in call.keywords if k.arg not in ("seed", "scope")}}
    given = {role: value for role, value in given.items() if not (isinstance(value, ast.Constant) and value.value is None)}
    names = {role: value.id if isinstance(value, ast.Name) else USUAL.get(role, role) for role, value in given.items()}
    return [
        *body,
        *(
            s
            for role, value in given.items()
            if not isinstance(value, ast.Name)
            for s in ast.parse(f"{names[role]} = {ast.unparse(value)}").body
        ),
    ], names


def _bound(parameters: ast.arguments, call: ast.Call) -> list[ast.stmt]:
    """A line for each argument of a call."""
    places = [a.arg for a in parameters.args]
    values = {name: ast.unparse(value) for name, value in zip(reversed(places), reversed(parameters.defaults), strict=False)}
    values |= {a.arg: ast.unparse(d) for a, d in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True) if d is not None}
    values |= {name: ast.unparse(value) for name, value in zip(places, call.args, strict=False)}
    if parameters.vararg is not None:
        values[parameters.vararg.arg] = ast.unparse(ast.Tuple(call.args[len(places) :], ast.Load()))
    values |= {str(k.arg): ast.unparse(k.value) for k in call.keywords}
    return ast.parse("\n".join(f"{name} = {value}" for name, value in values.items() if name != value)).body


def written(shell: Any, check: Check, example: Example) -> tuple[str, str]:
    """What became of the fix, and the text that was put below."""
    shell.run_cell("%reset -f\n%load_ext dldebug", store_history=True)
    cells = notebook(check, example)
    for cell in cells:
        result = shell.run_cell(cell, store_history=True)
        if result.error_before_exec or result.error_in_exec:
            return "not typed", f"{cell}\n{result.error_before_exec or result.error_in_exec!r}"
    report = shell.user_ns["report"]
    found = tuple(f for f in report.findings if f.name == check.name)
    if not found:
        return "not found", report.sentence()
    try:
        dataclasses.replace(report, findings=found).apply()
    except UserMistake as mistake:
        return "no code", str(mistake)
    text = shell.rl_next_input
    if all(line.startswith("#") or not line.strip() for line in text.splitlines()):
        return "comment", text
    result = shell.run_cell(text, store_history=True)
    if result.error_before_exec or result.error_in_exec:
        return "raises", f"{text}\n{result.error_before_exec or result.error_in_exec!r}"
    again = shell.run_cell(cells[-1], store_history=True)
    if again.error_before_exec or again.error_in_exec or check.name in [f.name for f in shell.user_ns["report"].findings]:
        return "does not repair", text
    return "repairs", text


def main(wanted: list[str]) -> None:
    config = Config()
    config.HistoryManager.enabled = False
    counted: dict[str, list[str]] = collections.defaultdict(list)
    for check in all_checks():
        for example in check.bad_examples if check.stage in STAGES and (not wanted or check.name in wanted) else ():
            InteractiveShell.clear_instance()
            with contextlib.redirect_stdout(io.StringIO()):
                form, text = written(InteractiveShell.instance(config=config), check, example)
            counted[form].append(f"{check.stage}/{check.name}-{example.__name__}")
            print(f"## {form}: {counted[form][-1]}\n{text}\n", flush=True)
    for form, names in counted.items():
        print(f"{form}: {len(names)}")


if __name__ == "__main__":
    main(sys.argv[1:])
