"""Freezing that did not happen: attributes that look like `requires_grad`, set to False where torch does not read them."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from ...engine.observation import Observation
from ...engine.subject import Subject

_NAME = "requires_grad"


@dataclasses.dataclass(frozen=True)
class Unread:
    """Such an attribute: its name, what it stands on (a path), whether that is a module, and the parameters that it leaves as they are."""

    attribute: str
    owner: str
    on_module: bool
    parameters: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class FreezingCard(Observation):
    """Every attribute of that kind; none where freezing is spelt right."""

    unread: tuple[Unread, ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[FreezingCard]:
        """Look at the attributes of modules and parameters; nothing is run."""
        found = []
        for path, module in subject.model.named_modules():
            learning = tuple(f"{path}.{name}".lstrip(".") for name, p in module.named_parameters() if p.requires_grad)
            found += [Unread(name, path, True, learning) for name in _alike(vars(module)) if learning]
        for path, parameter in subject.model.named_parameters():
            if parameter.requires_grad:
                found += [Unread(name, path, False, (path,)) for name in _alike(vars(parameter)) if name != _NAME]
        yield cls(tuple(found))


def _alike(attributes: Mapping[str, Any]) -> list[str]:
    """Names that mean `requires_grad` to a reader, with a False behind them.

    >>> _alike({"require_grad": False, "requires_grad": True, "_requires_grad": False, "required": False, "requiresGrad": False})
    ['require_grad', 'requiresGrad']
    """
    close = [name for name, value in attributes.items() if value is False and name.startswith("req")]
    return [name for name in close if difflib.SequenceMatcher(None, name, _NAME).ratio() > 0.85]
