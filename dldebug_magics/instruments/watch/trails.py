"""Tensors that are followed on their way from a model's output to a metric, held weakly."""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor

from .choices import Choice
from .counted import Counted

_NUMBERS = {"__float__": "item", "__int__": "item"}


class Trail:
    """A tensor that is followed: what it is to the output, the predictions that were meant, or what it counts."""

    def __init__(self, tensor: Tensor, choice: Choice | None, meant: Tensor | None = None, count: Counted | None = None):
        self.tensor, self.choice, self.meant, self.count = weakref.ref(tensor), choice, meant, count


class Trails:
    """All that are followed, by tensor."""

    def __init__(self) -> None:
        self.known: dict[int, Trail] = {}

    def follow(self, tensor: Tensor, choice: Choice | None, meant: Tensor | None = None, count: Counted | None = None) -> None:
        """From here on this tensor is known."""
        self.known[id(tensor)] = Trail(tensor, choice, meant, count)

    def of(self, thing: Any) -> Trail | None:
        """What is known of a tensor; None of one that is not followed, and of everything else."""
        found = self.known.get(id(thing)) if isinstance(thing, Tensor) else None
        return found if found is not None and found.tensor() is thing else None

    def some(self) -> bool:
        """Whether any of them is still there; the others are forgotten."""
        self.known = {key: trail for key, trail in self.known.items() if trail.tensor() is not None}
        return bool(self.known)


def plain(name: str) -> str:
    """A method, an operator and a call in place under one name.

    >>> plain("__eq__"), plain("add_"), plain("__float__")
    ('eq', 'add', 'item')
    """
    return _NUMBERS.get(name) or name.strip("_")
