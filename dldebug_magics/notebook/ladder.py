"""What `%dldebug` and `%subject` show. An experiment's first line is read from its source, so that torch can wait."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .. import ask
from ..document import Block, Heading, Table, Text
from ..engine.stage import LADDER, Stage
from .last_error import EXPLAINS, unexplained
from .roles import part
from .session import Answer

if TYPE_CHECKING:
    from .session import Session

_OBSERVATIONS = Path(__file__).parent.parent / "observations"
_NO_SUBJECT = """No subject is set: each magic takes the only candidates of the notebook.
To set one: %subject model loss_fn optimizer train_loader --val val_loader"""
_ABOVE_CELLS = ("watch",)
_ALSO = (
    ("%diagnose", "Climbs the ladder by itself, within a budget, and stops where something is wrong."),
    ("%subject", "Names once what the later magics use."),
    ("%explain_error", "Explains the last exception of the notebook: where it arose, why, and which change makes it run."),
    ("%%watch", "Stands above the cell that trains, which runs as it would without: names what is wrong in the loop, with the line."),
    ("%explain NAME", "Shows the page of a check: what it is, why it hurts, how it is proven and fixed."),
)


def ladder(session: Session) -> tuple[Block, ...]:
    """The guide's stages with what was asked so far, each magic in a line, and what to run next."""
    ready, asked = in_order(ask.names()), session.asked
    stages = [[rung.name, rung.question, _magics(rung, ready), _asked(rung, asked)] for rung in LADDER]
    magics = [*([f"%{name}", summary(name)] for name in ready), *_ALSO]
    return (
        Heading("dldebug"),
        Text("Climb from the top; where a stage fails, repair that before the next."),
        Table("the ladder", ("stage", "question", "magics", "asked so far"), stages),
        Table("the magics", ("magic", "what it does"), magics),
        Text(next_step(climbable(session), asked), strong=True),
    )


def _magics(rung: Stage, ready: list[str]) -> str:
    return " ".join(typed(name) for name in rung.magics if name in ready or name in _ABOVE_CELLS) or "not yet here"


def _asked(rung: Stage, asked: Mapping[str, Answer]) -> str:
    answers = [asked[name] for name in rung.magics if name in asked]
    return " ".join(f"{'OK' if answer.ok else 'FAIL'}: {answer.sentence}" for answer in answers) or "not asked"


def next_step(ready: list[str], asked: Mapping[str, Answer]) -> str:
    """The first magic that failed, else the first that was not asked.

    >>> next_step(["overfit_batch"], {}), next_step(["overfit_batch"], {"overfit_batch": Answer(True, "")})
    ('Next: %overfit_batch', 'Next: nothing is left to ask; every magic that is here was asked and passed.')
    """
    name = due(ready, asked)
    if not name:
        return "Next: nothing is left to ask; every magic that is here was asked and passed."
    again = name in asked and name != EXPLAINS
    return f"Next: repair what {typed(name)} found, then run {typed(name)} again" if again else f"Next: {typed(name)}"


def typed(name: str) -> str:
    """A magic as it is typed.

    >>> typed("watch"), typed("overfit_batch")
    ('%%watch', '%overfit_batch')
    """
    return f"%%{name}" if name in _ABOVE_CELLS else f"%{name}"


def climbable(session: Session) -> list[str]:
    """What can be next, from the foot of the ladder: the experiments, the user's own loop watched, and an exception that waits.

    One that was explained is not next again: it stays the notebook's last exception for ever, repaired or not.
    """
    waiting = [EXPLAINS] if unexplained(session) else []
    return in_order([*ask.names(), *_ABOVE_CELLS, *waiting])


def due(ready: Iterable[str], asked: Mapping[str, Answer]) -> str:
    """The magic to run next; empty where all were asked and passed."""
    return next((name for name in ready if name == EXPLAINS or name not in asked or not asked[name].ok), "")


def in_order(names: Iterable[str]) -> list[str]:
    """Those of the magics that the ladder has, from its foot."""
    return [name for rung in LADDER for name in rung.magics if name in set(names)]


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
