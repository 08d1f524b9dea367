"""Where things were made: the user's line of each call that has a place in the graph, and of each number that has none."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..source_lines import Line
from .losses import kind

_MOST = 500  # calls whose line is kept, of one window
_SCALING = ("Mul", "Div", "ToCopy")  # libraries divide a loss by how many batches make a step


class Lines:
    """The lines of the calls of one window, in the order in which the graph was made."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.lines: list[Line] = []
        self.loose: dict[int, tuple[Tensor, Line]] = {}

    def add(self, result: Any, line: Callable[[], Line]) -> None:
        """Note where a result was made; one that was made before, and is only handed on, is not noted again."""
        node = result.grad_fn if isinstance(result, Tensor) else None
        if node is not None and len(self.numbers) < _MOST:
            number = node._sequence_nr()
            if not self.numbers or number > self.numbers[-1]:
                self.numbers.append(number)
                self.lines.append(line())

    def cut(self, result: Any, given: tuple, line: Callable[[], Line]) -> None:
        """Note where a single number without a graph was made, or the one that it was computed from: it may become the loss."""
        if isinstance(result, Tensor) and result.grad_fn is None and result.ndim == 0 and result.is_floating_point():
            known = next((self.loose[id(part)][1] for part in given if id(part) in self.loose), None)
            if len(self.loose) < _MOST:
                self.loose[id(result)] = result, known or line()

    def of(self, number: int) -> Line:
        """The line of the call in which the node of this number was made; an empty one where it was made before, or is not known."""
        place = bisect_left(self.numbers, number)
        return self.lines[place] if number >= 0 and place < len(self.lines) else Line()

    def of_loose(self, loss: Tensor | None) -> Line:
        """The line that made a number without a graph, or the one that this loss is a multiple of; an empty one where it is not known."""
        node = None if loss is None else loss.grad_fn
        while node is not None and kind(node) in _SCALING:
            node = next((parent for parent, _ in node.next_functions if parent is not None), None)
            loss = getattr(node, "variable", loss)
        return self.loose.get(id(loss), (None, Line()))[1]
