"""A remedy's page, made from the remedy: what it does and why, when it is none, and what it costs. One in several folders is told once."""

from __future__ import annotations

import pkgutil
from pathlib import Path

from ..document import Block
from . import told

_ROOM = Path(__file__).parents[1] / "remedies"


def remedy_names() -> tuple[str, ...]:
    """Every remedy that can be named, in the order of the terms; nothing is imported.

    >>> "bigger_model" in remedy_names()
    True
    """
    from ..remedies import TERMS

    return tuple(dict.fromkeys(file.name for term in TERMS for file in pkgutil.iter_modules([str(_ROOM / term)])))


def remedy_blocks(name: str) -> tuple[Block, ...]:
    """The page of a remedy; empty where none has that name."""
    if name not in remedy_names():
        return ()
    from ..remedies import TERMS, remedies

    found = [remedy for term in TERMS for remedy in remedies(term) if remedy.name == name]
    return tuple(block for remedy in found for block in told(f"{name} (against {remedy.term})", remedy.page, "What to know of it"))
