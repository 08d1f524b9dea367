"""Healthy loops, each a function that builds a program anew from a seed and returns `Program(train, modules)`.

Every one looks in some way as if it had a fault: hard negatives first. `LOOPS` has them by name; adding a function adds a loop.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

from .program import Program


def _found() -> dict[str, Callable[[], Program]]:
    rooms = [importlib.import_module(f"{__name__}.{room.name}") for room in pkgutil.iter_modules(__path__) if room.name != "program"]
    own = [(room, name, thing) for room in rooms for name, thing in vars(room).items() if not name.startswith("_")]
    return {name: thing for room, name, thing in own if getattr(thing, "__module__", "") == room.__name__ and callable(thing)}


LOOPS = _found()
