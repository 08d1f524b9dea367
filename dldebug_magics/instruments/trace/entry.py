"""One line of a trace: a module's call, or an operation between modules."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import nn

from ..forms import Form, forms
from ..source_lines import NOWHERE, Line


@dataclasses.dataclass
class Given:
    """The arguments of a call. They are the user's tensors: whoever keeps them keeps their memory, so an entry lets them go."""

    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Entry:
    """What was called with what, and what came out.

    path: the module's name as in `named_modules`; for an operation, that of the module whose forward calls it. kind: the class of the
    module, or the operation's name. given: the arguments, kept only of a call that failed. operation: the torch function that raised.
    """

    kind: str
    path: str
    depth: int
    inputs: tuple[Form, ...]
    module: nn.Module | None = None
    outputs: tuple[Form, ...] = ()
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    flops: int = 0
    began: float = 0.0
    seconds: float = 0.0
    line: Line = NOWHERE
    operation: str = ""
    given: Given | None = None
    phase: str = "forward"

    @property
    def plain(self) -> dict[str, Any]:
        """The plain arguments of the operation that failed."""
        return {} if self.given is None else _plain_ones(self.given)

    @classmethod
    def of_module(cls, path: str, module: nn.Module, given: Given, depth: int) -> Entry:
        """The call of a module."""
        return cls(type(module).__name__, path, depth, forms((given.arguments, given.keywords)), module)

    @classmethod
    def of_operation(cls, name: str, given: Given, inside: Entry | None, depth: int) -> Entry:
        """The call of a torch function, with the plain numbers among its arguments (`dim`, a target shape)."""
        path = inside.path if inside is not None else ""
        return cls(name, path, depth, forms((given.arguments, given.keywords)), settings=_plain_ones(given))

    @property
    def is_torchs(self) -> bool:
        """Whether it is the call of one of torch's own layers, the inside of which is not the user's; containers hand on to others."""
        return self.module is not None and type(self.module).__module__.startswith("torch.nn.modules")


def _plain_ones(given: Given) -> dict[str, Any]:
    """The numbers and words among the arguments, by their place or name."""
    placed = {str(place): value for place, value in enumerate(given.arguments) if _is_plain(value)}
    return placed | {name: value for name, value in given.keywords.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(item) for item in value)
    return isinstance(value, (int, float, str, bool))
