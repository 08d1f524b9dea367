"""The checks: a folder a stage, a file a cause. The folder lists itself; to add a cause is to add its file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.stage import LADDER

if TYPE_CHECKING:
    from ..engine.check import Check

_HERE = Path(__file__).parent


def files() -> Iterator[tuple[str, str]]:
    """(stage, cause) for every check, from the names of the files; nothing is imported."""
    for rung in LADDER:
        yield from ((rung.name, found.name) for found in pkgutil.iter_modules([str(_HERE / rung.name)]))


def all_checks() -> list[Check]:
    """Every check, in the order of the ladder and then of the alphabet."""
    return [load(stage, cause) for stage, cause in files()]


def load(stage: str, cause: str) -> Check:
    """The check of one file."""
    return getattr(importlib.import_module(f"{__name__}.{stage}.{cause}"), cause)
