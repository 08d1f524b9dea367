"""One part of a model in its trace: a large table is read a module at a time."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from torch import nn

from ...engine.errors import UserMistake
from .row import Row

if TYPE_CHECKING:
    from . import ShapeTrace


def known(model: nn.Module, at: str) -> str:
    """The path by which the trace calls the module at `at`: of one that the model holds in two places, the first.

    >>> known(nn.Sequential(nn.Linear(2, 2)), "1")
    Traceback (most recent call last):
    dldebug_magics.engine.errors.UserMistake: no module `1` in the model; there are 0
    """
    if not at:
        return ""
    plain = getattr(model, "_orig_mod", model)
    modules = dict(plain.named_modules(remove_duplicate=False))
    if at in modules:
        return next(path for path, module in modules.items() if module is modules[at])
    near = difflib.get_close_matches(at, modules, n=1, cutoff=0.5)
    there = ", ".join(path for path, _ in plain.named_children()) or "no modules inside"
    raise UserMistake(f"no module `{at}` in the model", do=f"did you mean `{near[0]}`?" if near else f"there are {there}")


def part(trace: ShapeTrace) -> ShapeTrace:
    """The trace with the rows of the module that is asked for and what runs inside; all of it where none is."""
    if not trace.at:
        return trace
    idle = tuple(row for row in trace.idle if _belongs(row, trace.at))
    return dataclasses.replace(trace, rows=tuple(_inside(trace.rows, trace.at)), idle=idle)


def _inside(rows: Iterable[Row], at: str) -> Iterable[Row]:
    """The rows from each call of the module to its end. A container that is never called is its members' calls."""
    top = None
    for row in rows:
        if top is None or row.depth <= top:
            top = row.depth if _belongs(row, at) else None
        if top is not None:
            yield dataclasses.replace(row, depth=row.depth - top)


def _belongs(row: Row, at: str) -> bool:
    return row.phase != "loss" and f"{row.path}.".startswith(f"{at}.")
