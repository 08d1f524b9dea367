"""The text behind `?`: how to type the magic, what the experiment does, its runnable examples, and every option with its default."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping

from ..document import WIDTH, Table
from .options import COMMON, ROLES, Option

_PLACES = "[model] [loss_fn] [optimizer] [train_loader] [val_loader]"
_PREAMBLE = """Names or expressions, each evaluated once. An expression with spaces stands in brackets; None means no such part.
What is not named is taken from %subject, else it is the only candidate in the notebook, and the report says so."""


def manual(name: str, page: str, options: Mapping[str, Option]) -> str:
    """The whole text.

    >>> print(manual("guess", "Guess the loss.", {"steps": Option("steps", "a whole number", 300)}).splitlines()[0])
    %guess [model] [loss_fn] [optimizer] [train_loader] [val_loader] [--steps 300]
    """
    shared = {option.name for option in (*ROLES, *COMMON)}
    own = [option for option in options.values() if option.name not in shared]
    usage = " ".join([f"%{name} {_PLACES}", *(f"[{_typed(option)}]" for option in own)])
    usage = textwrap.fill(usage, WIDTH, subsequent_indent="    ", break_on_hyphens=False)
    tables = [_table("options of this experiment", own), _table("options of every experiment", COMMON), _table("parts by name", ROLES)]
    return "\n\n".join([usage, inspect.cleandoc(page), _PREAMBLE, *(table.as_text() for table in tables if table.rows)])


def _table(caption: str, options: tuple[Option, ...] | list[Option]) -> Table:
    rows = [[option.dashed, option.meaning or option.kind, "" if option.is_flag else _default(option)] for option in options]
    return Table(caption, ("option", "meaning", "default"), rows)


def _default(option: Option) -> str:
    return "" if option.default is None else f"{option.default:g}" if isinstance(option.default, float) else str(option.default)


def _typed(option: Option) -> str:
    return option.dashed if option.is_flag else f"{option.dashed} {_default(option) or option.name.upper()}"
