"""Who took part in a watched loop, and the exception that ended it."""

from __future__ import annotations

import dataclasses
from typing import Generic, TypeVar

from ...instruments.source_lines import Line

F = TypeVar("F")


@dataclasses.dataclass(frozen=True)
class Player(Generic[F]):
    """One who took part: the user's name for it, and what is to be known of it."""

    name: str
    facts: F

    @property
    def word(self) -> str:
        """The name in backticks, or what it is."""
        return f"`{self.name}`" if self.name else f"the {getattr(self.facts, 'kind', 'thing')}"


@dataclasses.dataclass(frozen=True)
class Ended:
    """The exception that ended the loop."""

    kind: str
    message: str
    line: Line
