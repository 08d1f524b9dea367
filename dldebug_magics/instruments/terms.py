"""The terms of a loss: what its last additions add up, down to the first thing that is no sum.

Seen through torch's function door while the loss runs, because a term that is a plain number, or has no gradient, leaves no node in the
graph. What cut a term off is followed along: a value made without a gradient from one that has one remembers how.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from .calls import name_of
from .source_lines import Line, running_line

_SUMS = frozenset("add add_ __add__ __radd__ __iadd__ sub sub_ __sub__ __isub__ rsub __rsub__".split())
_SAME = frozenset("reshape view squeeze mul mul_ __mul__ __rmul__ div div_ __truediv__ neg mean sum clone".split())
_NUMBERS = frozenset("item tolist __float__ __int__ numpy".split())
_MEANT = frozenset("detach detach_ data no_grad".split())  # said in so many words


@dataclasses.dataclass(frozen=True)
class Term:
    """One term: its value, the value with its graph (None where no gradient goes through it), what cut it off, and the user's line."""

    value: float
    graph: Tensor | None
    cut: str
    line: Line


class Terms(TorchFunctionMode):
    """`with Terms() as terms: loss = ...`; then `terms.of(loss)`.

    >>> out = torch.ones(2, requires_grad=True)
    >>> with Terms() as terms:
    ...     loss = out.sum() + 3 * (out > 0).sum()
    >>> [(term.value, term.graph is None, term.cut) for term in terms.of(loss)]
    [(2.0, False, ''), (6.0, True, 'gt')]
    """

    def __init__(self) -> None:
        super().__init__()
        self.sums: list[tuple[Tensor, list[tuple[Any, Term]]]] = []
        self.cuts: dict[int, tuple[Tensor, str]] = {}
        self.numbers: list[tuple[Any, str]] = []

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        name, given = name_of(function), [a for a in (*args, *(kwargs or {}).values()) if isinstance(a, (Tensor, int, float))]
        summed = [(a, self._term(a)) for a in _operands(name, given)]
        with_past = [a for a in given if isinstance(a, Tensor) and (a.requires_grad or id(a) in self.cuts)]
        result = function(*args, **(kwargs or {}))
        if with_past:
            how = next((self.cuts[id(a)][1] for a in with_past if id(a) in self.cuts), name)
            if name in _NUMBERS:
                self.numbers.append((result, how))
            elif isinstance(result, Tensor) and not result.requires_grad:
                self.cuts[id(result)] = result, how if torch.is_grad_enabled() else "no_grad"
        if summed and isinstance(result, Tensor) and (len(summed) > 1 or bool(result.detach() != 0)):
            self.sums.append((result, summed))
        return result

    def _term(self, operand: Any) -> Term:
        if not isinstance(operand, Tensor):
            last = self.numbers[-1][1] if self.numbers else ""
            return Term(float(operand), None, next((how for number, how in self.numbers if number is operand), last), running_line(3))
        cut = self.cuts[id(operand)][1] if id(operand) in self.cuts else ""
        return Term(float(operand.detach()), operand.clone() if operand.requires_grad else None, cut, running_line(3))

    def of(self, loss: Tensor) -> list[Term]:
        """The terms of a loss, in the order in which torch is given them; none where it is no sum."""
        return self._parts(loss, len(self.sums))

    def _parts(self, total: Any, before: int) -> list[Term]:
        """What a value was added up from, in the sums made before that many."""
        number = next((n for n in reversed(range(before)) if self.sums[n][0] is total), None)
        if number is None:
            return []
        operands = self.sums[number][1]
        if len(operands) == 1:
            return self._parts(operands[0][0], number)
        return [part for operand, term in operands for part in (self._parts(operand, number) or [term])]


def _operands(name: str, given: list[Any]) -> list[Any]:
    """What is added up in a call; one thing alone where the call only scales or shapes it; nothing where it is no such call."""
    tensors = [a for a in given if isinstance(a, Tensor)]
    if name not in _SUMS | _SAME or any(is_lazy(t) or t.numel() != 1 or t.is_complex() for t in tensors):
        return []
    if name in _SUMS:
        return given[:2]
    return tensors if name in _SAME and len(tensors) == 1 else []


def meant(cut: str) -> bool:
    """Whether a cut was asked for: `detach`, `no_grad`, `.data`.

    >>> meant("detach"), meant("argmax")
    (True, False)
    """
    return cut in _MEANT
