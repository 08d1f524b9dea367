"""Graphs of forward passes that stay alive though no backward pass came for them: whether an evaluation with gradients piles them up."""

from __future__ import annotations

import weakref
from typing import Any

from ...engine.nested import tensors
from ..source_lines import Line

_MOST = 64  # graphs that are counted at a time


class _Token:
    """Lives as long as the node that it is hung on."""


class Graphs:
    """Shown the output of each forward pass that is looked at closely."""

    def __init__(self) -> None:
        self.alive: dict[tuple[int, Line], weakref.WeakSet[_Token]] = {}  # by the model and the line of its pass
        self.most: dict[tuple[int, Line], int] = {}

    def passed(self, model: int, line: Line, output: Any) -> None:
        """A forward pass came to its end; the note hung on its graph is gone when the graph is."""
        node: Any = next((t.grad_fn for t in tensors(output) if t.grad_fn is not None), None)
        alive = self.alive.setdefault((model, line), weakref.WeakSet())
        if node is not None and len(alive) < _MOST:
            token = node.metadata["dldebug"] = _Token()
            alive.add(token)
            self.most[model, line] = max(self.most.get((model, line), 0), len(alive))

    def learnt(self) -> None:
        """A backward pass came: what is alive now is not the evaluation's."""
        self.alive.clear()
