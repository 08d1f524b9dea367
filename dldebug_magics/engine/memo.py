"""Deep copies with one memo, as far as `copy.deepcopy` goes and a step further: a function's closure and defaults are copied, too.

Where a copy fails, what was copied on its way does not count; where it takes too long, it ends.
"""

from __future__ import annotations

import copy
import sys
import time
import types
from collections.abc import Iterable
from typing import Any

from .deadline import TimeSpent
from .generators import of_process
from .reach import contents
from .whose import is_live


class CannotCopy(Exception):
    """Why there is no copy that a program could run on."""


class Memo(dict):
    """What is copied already, by the original's id; looked into for each thing, so that it can keep the time (of `time.monotonic`)."""

    def __init__(self, deadline: float):
        super().__init__({id(thing): thing for thing in (*sys.modules.values(), *of_process())})
        self.deadline = deadline

    def get(self, key: Any, default: Any = None) -> Any:
        if time.monotonic() > self.deadline:
            raise TimeSpent
        return super().get(key, default)

    def copy(self, thing: Any) -> Any:  # type: ignore[override]
        """A copy. Raises whatever the thing says that can't be copied, and `TimeSpent` behind the deadline."""
        if is_live(thing):
            raise CannotCopy("it is on a screen, or connected to a service")
        before = len(self)
        try:
            return copy.deepcopy(thing, self)
        except Exception:
            for key in list(self)[before:]:
                del self[key]
            raise

    def emptied(self, functions: Iterable[types.FunctionType]) -> list[types.FunctionType]:
        """Note a copy of each function that holds something, with cells of its own, to be filled when all else is copied."""
        found = [f for f in functions if f.__closure__ or f.__defaults__ or f.__kwdefaults__ or vars(f)]
        cells = {id(cell): types.CellType() for f in found for cell in f.__closure__ or ()}
        for f in found:
            closure = tuple(cells[id(cell)] for cell in f.__closure__ or ()) or None
            made = types.FunctionType(f.__code__, f.__globals__, f.__name__, None, closure)
            made.__qualname__, made.__module__, made.__doc__ = f.__qualname__, f.__module__, f.__doc__
            self[id(f)] = made
        return found

    def filled(self, function: types.FunctionType) -> dict[str, str]:
        """Give an emptied function copies of what its original holds; what has no copy, and why, by name: there its cell stays empty."""
        made = self[id(function)]
        failed = {}
        for name, mine, its in zip(function.__code__.co_freevars, function.__closure__ or (), made.__closure__ or (), strict=True):
            for held in contents(mine) if not contents(its) else ():
                try:
                    its.cell_contents = self.copy(held)
                except Exception as error:
                    failed[name] = why(held, error)
        try:
            made.__defaults__, made.__kwdefaults__ = self.copy(function.__defaults__), self.copy(function.__kwdefaults__)
            vars(made).update(self.copy(vars(function)))
        except Exception as error:
            failed[function.__name__] = why(function, error)
        return failed


def why(thing: Any, error: Exception) -> str:
    """Why a thing has no copy.

    >>> why(3, TypeError("cannot pickle it"))
    'int: cannot pickle it'
    """
    return f"{type(thing).__name__}: {next(iter(str(error).splitlines()), '')}".rstrip(": ")
