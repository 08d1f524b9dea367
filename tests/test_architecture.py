"""The shape of the house, read from its sources: imports run down only, budgets hold, names say something, nothing is swallowed.

The reader of imports is tested itself, on sources made for it: a rule that can't be broken is not a rule.
"""

import ast
import functools
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "dldebug_magics"
LADDER = "plot < document < engine < instruments < cures adapters < remedies < observations"
LADDER += " < checks < reference ask < notebook < door < dldebug"
RUNG = {room: height for height, rooms in enumerate(LADDER.split(" < ")) for room in rooms.split()}
SCREENS = {"IPython": "notebook", "ipywidgets": "notebook", "matplotlib": "plot"}
HEAVY = {"ipywidgets", "matplotlib", "sklearn", "optuna", "pandas", "ray", "cleanlab", "sliceline", "skada", "transformers"}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "core", "misc", "config"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SOURCES = [ROOT / "dldebug.py", *sorted((ROOT / PACKAGE).rglob("*.py"))]
Import = namedtuple("Import", "target line lazy")  # target: `a.b` for `import a.b` and `from a import b`; lazy: made by a call


def imports(source: str, module: str, is_package: bool = False) -> list[Import]:
    """The imports of a module, relative ones resolved; what only a type checker reads does not count."""
    return list(_walk(ast.parse(source).body, module if is_package else module.rpartition(".")[0], lazy=False))


def _walk(nodes: list[ast.AST], package: str, lazy: bool) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            origin = ".".join([*above, node.module] if node.module else above)
            yield from (Import(f"{origin}.{alias.name}", node.lineno, lazy) for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            yield from _walk(node.orelse, package, lazy)
        else:
            yield from _walk(list(ast.iter_child_nodes(node)), package, lazy or isinstance(node, FUNCTIONS))


def room(target: str) -> str | None:
    """The room of the house that a dotted name lies in; None for what is not ours."""
    first, *rest = target.split(".")
    if first != PACKAGE:
        return first if first == "dldebug" else None
    return rest[0] if rest and rest[0] in RUNG else "door"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def upward(found: list[Import], module: str) -> list[str]:
    """The imports that leave their room for one that is not below it."""
    here = room(module)
    outside = [(entry, room(entry.target)) for entry in found if room(entry.target) not in (None, here)]
    return [f"line {entry.line}: {here} imports {entry.target}" for entry, there in outside if RUNG[there] >= RUNG[here]]


def imports_of(path: Path) -> list[Import]:
    return imports(path.read_text(encoding="utf-8"), module_of(path), path.name == "__init__.py")


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def nodes(path: Path, *kinds: type) -> list:
    return [node for node in ast.walk(parsed(path)) if isinstance(node, kinds)]


def arrows_run_down(path):
    return upward(imports_of(path), module_of(path))


def screens_stay_in_their_room_and_heavy_packages_wait_for_the_function_that_needs_them(path):
    here, found = room(module_of(path)), [(entry.target.split(".")[0], entry) for entry in imports_of(path)]
    strayed = [entry for package, entry in found if SCREENS.get(package, here) != here]
    early = [entry for package, entry in found if package in HEAVY and not entry.lazy]
    searching = here == "engine" and {"importlib", "pkgutil"} & {package for package, _ in found}  # the engine is handed what it needs
    return strayed or early or searching


def budgets_and_names(path):
    long = path.read_text(encoding="utf-8").count("\n") > (80 if path.parent.parent.name == "checks" else 150)
    functions = [f.name for f in nodes(path, *FUNCTIONS) if f.end_lineno - f.lineno >= 30 or len(f.args.posonlyargs + f.args.args) > 5]
    return long or {path.stem, path.parent.name} & EMPTY_NAMES or functions


def says_what_it_is_for(path):
    tree = parsed(path)
    pages = [ast.get_docstring(node) for node in tree.body if path.parent.parent.name == "checks" and isinstance(node, FUNCTIONS)]
    in_the_wheel = (path.parent / "__init__.py").exists() or path.parent == ROOT
    return not in_the_wheel or not (ast.get_docstring(tree) or any(pages))


def swallows_nothing(path):
    silent = [h for h in nodes(path, ast.ExceptHandler) if all(isinstance(step, ast.Pass | ast.Continue) for step in h.body)]
    bare = [h.lineno for h in silent if h.type is None or ast.unparse(h.type) in ("Exception", "BaseException")]
    return bare or [c.lineno for c in nodes(path, ast.Call) if "suppress(Exception)" in ast.unparse(c)]


RULES = (
    arrows_run_down,
    screens_stay_in_their_room_and_heavy_packages_wait_for_the_function_that_needs_them,
    budgets_and_names,
    says_what_it_is_for,
    swallows_nothing,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps(rule):
    """A rule answers with what breaks it; all files that break it are named at once."""
    broken = {str(path.relative_to(ROOT)): found for path in SOURCES if (found := rule(path))}
    assert not broken


def test_every_room_is_on_the_ladder():
    assert {path.stem for path in (ROOT / PACKAGE).glob("[a-z]*")} <= RUNG.keys()


def test_inheritance_is_one_deep():
    classes = {c.name: [ast.unparse(base).rpartition(".")[2] for base in c.bases] for path in SOURCES for c in nodes(path, ast.ClassDef)}
    assert not {name for name, bases in classes.items() for base in bases if set(classes.get(base, ())) & classes.keys()}


def test_importing_brings_nothing_heavy():
    code = f"import sys, dldebug; print(*{HEAVY | {'torch', 'IPython'}} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "\n"


def test_nothing_points_outside_of_the_repository():
    rooms = (PACKAGE, "tests", "benchmarks", "example_notebooks", ".ci")
    texts = [*ROOT.glob("*"), *(path for name in rooms for path in (ROOT / name).rglob("*"))]
    assert not [str(p) for p in texts if p.is_file() and p.suffix != ".pyc" and b"../" + b"shared" in p.read_bytes()]


READ_IN_ENGINE = {
    "from . import borrow": ["dldebug_magics.engine.borrow"],
    "from ..checks import found": ["dldebug_magics.checks.found"],
    "from .. import notebook, checks": ["dldebug_magics.notebook", "dldebug_magics.checks"],
    "def f():\n  class A:\n    import dldebug_magics.ask": ["dldebug_magics.ask"],
    "if TYPE_CHECKING:\n  from ..checks import found\nelse:\n  import dldebug": ["dldebug"],
    "try:\n  from dldebug_magics import Subject\nexcept ImportError:\n  raise": ["dldebug_magics.Subject"],
}


@pytest.mark.parametrize(("source", "targets"), READ_IN_ENGINE.items())
def test_the_reader_of_imports(source, targets):
    found = imports(source, "dldebug_magics.engine.examine")
    assert [entry.target for entry in found] == targets
    assert [entry.lazy for entry in found] == ["def" in source] * len(targets)
    assert len(upward(found, "dldebug_magics.engine.examine")) == sum("engine" not in target for target in targets)


def test_the_reader_knows_a_package_from_a_module_and_down_from_up():
    assert [imports("from .a import b", "p.q", package)[0].target for package in (True, False)] == ["p.q.a.b", "p.a.b"]
    assert not upward(imports("from ..engine import subject\nimport torch", "dldebug_magics.checks.x"), "dldebug_magics.checks.x")
