"""Faulty loops: a module a cause, a function a loop. The line that must be named ends in `# fault`; without one, any line will do."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable

LOOPS: list[tuple[str, Callable]] = []
for _room in pkgutil.iter_modules(__path__):
    _module = importlib.import_module(f"{__name__}.{_room.name}")
    for _name, _thing in vars(_module).items():
        if inspect.isfunction(_thing) and _thing.__module__ == _module.__name__ and not _name.startswith("_"):
            LOOPS.append((_room.name, _thing))


def faulty_lines(loop: Callable) -> list[int]:
    """The numbers, in their file, of the lines marked in the loop's source."""
    source, first = inspect.getsourcelines(loop)
    return [first + offset for offset, line in enumerate(source) if line.rstrip().endswith("# fault")]
