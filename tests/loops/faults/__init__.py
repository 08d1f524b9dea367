"""Faulty loops: `cause__style` is a function that builds a program and returns the function that trains; `# fault` marks the line at fault.

`FAULTY` has them by name; adding a function adds a loop.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any


def _found() -> dict[str, Callable[[], Callable[[], Any]]]:
    rooms = [importlib.import_module(f"{__name__}.{room.name}") for room in pkgutil.iter_modules(__path__)]
    return {name: thing for room in rooms for name, thing in vars(room).items() if "__" in name and not name.startswith("__")}


FAULTY = _found()
