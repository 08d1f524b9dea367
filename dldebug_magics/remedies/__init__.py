"""The remedies: a folder a term of the error, a file a remedy. The folder lists itself; to add a remedy is to add its file."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine.remedy import Remedy

TERMS = ("bias", "variance", "shift", "validation")  # in the guide's order


def remedies(term: str) -> list[Remedy]:
    """The remedies for one term, in the guide's order.

    >>> all(found.term == "bias" for found in remedies("bias"))
    True
    """
    room = Path(__file__).parent / term
    found = [importlib.import_module(f"{__name__}.{term}.{file.name}") for file in pkgutil.iter_modules([str(room)])]
    return sorted((getattr(module, module.__name__.rpartition(".")[2]) for module in found), key=lambda remedy: remedy.place)
