"""What `%dldebug` and `%subject` show. An experiment's first line is read from its source, so that torch can wait."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..document import Block, Heading, Table, Text
from ..engine.stage import LADDER, Stage
from .roles import part
from .session import Answer

_OBSERVATIONS = Path(__file__).parent.parent / "observations"
_NO_SUBJECT = """No subject is set: each magic takes the only candidates of the notebook.
To set one: %subject model loss_fn optimizer train_loader --val val_loader"""
_ABOVE_CELLS = ("watch",)
_ALSO = (
    ("%diagnose", "Climbs the ladder by itself, within a budget, and stops where something is wrong."),
    ("%subject", "Names once what the later magics use."),
    ("%%watch", "Stands above the cell that trains, which runs as it would without: names what is wrong in the loop, with the line."),
    ("%explain NAME", "Shows the page of a check: what it is, why it hurts, how it is proven and fixed."),
)


def ladder(names: Iterable[str], asked: Mapping[str, Answer]) -> tuple[Block, ...]:
    """The guide's stages with what was asked so far, each magic in a line, and what to run next."""
    ready = [name for rung in LADDER for name in rung.magics if name in set(names)]
    stages = [[rung.name, rung.question, _magics(rung, ready), _asked(rung, asked)] for rung in LADDER]
    magics = [*([f"%{name}", summary(name)] for name in ready), *_ALSO]
    return (
        Heading("dldebug"),
        Text("Climb from the top; where a stage fails, repair that before the next."),
        Table("the ladder", ("stage", "question", "magics", "asked so far"), stages),
        Table("the magics", ("magic", "what it does"), magics),
        Text(_next(ready, asked), strong=True),
    )


def _magics(rung: Stage, ready: list[str]) -> str:
    typed = [f"%%{name}" if name in _ABOVE_CELLS else f"%{name}" for name in rung.magics if name in ready or name in _ABOVE_CELLS]
    return " ".join(typed) or "not yet here"


def _asked(rung: Stage, asked: Mapping[str, Answer]) -> str:
    answers = [asked[name] for name in rung.magics if name in asked]
    return " ".join(f"{'OK' if answer.ok else 'FAIL'}: {answer.sentence}" for answer in answers) or "not asked"


def _next(ready: list[str], asked: Mapping[str, Answer]) -> str:
    """The first magic that failed, else the first that was not asked.

    >>> _next(["overfit_batch"], {}), _next(["overfit_batch"], {"overfit_batch": Answer(True, "")})
    ('Next: %overfit_batch', 'Next: nothing is left to ask; every magic that is here was asked and passed.')
    """
    for name in ready:
        if name in asked and not asked[name].ok:
            return f"Next: repair what %{name} found, then run %{name} again"
        if name not in asked:
            return f"Next: %{name}"
    return "Next: nothing is left to ask; every magic that is here was asked and passed."


def summary(name: str, folder: Path = _OBSERVATIONS) -> str:
    """The first line of an experiment's docstring, empty where it has none."""
    wanted = "".join(word.capitalize() for word in name.split("_"))
    for source in (folder / f"{name}.py", *sorted((folder / name).glob("*.py"))):
        tree = ast.parse(source.read_text(encoding="utf-8")) if source.exists() else ast.Module([], [])
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name == wanted:
                return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""


def kept_page(kept: Mapping[str, str]) -> tuple[Block, ...]:
    """What `%subject` holds."""
    if not kept:
        return (Text(_NO_SUBJECT),)
    return (Table("the subject of the magics that follow", ("part", "expression"), [[part(field), text] for field, text in kept.items()]),)
