"""What enters torch's losses, written down even where the loss refuses it: a call that raises is seen with its arguments.

`Calls` records what ran to its end; here the question is what was handed over.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch.overrides import TorchFunctionMode

from .calls import LOSSES, name_of
from .source_lines import Line, running_line


@dataclasses.dataclass(frozen=True)
class Entry:
    """One call of a loss: its name, the user's line, what it was given, and its result; None where it raised."""

    name: str
    line: Line
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    result: Any

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """An argument by position or by keyword."""
        return self.arguments[position] if len(self.arguments) > position else self.keywords.get(name, default)


class LossEntries(TorchFunctionMode):
    """`with LossEntries() as entries: ...`; `entries.made` lists the calls in order, one that raised last."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Entry] = []

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords, result = kwargs or {}, None
        if name_of(function) not in LOSSES:
            return function(*args, **keywords)
        try:
            result = function(*args, **keywords)
        finally:
            self.made.append(Entry(name_of(function), running_line(2), args, keywords, result))
        return result
