"""How long each module's call takes, forward and backward: a measurement of its own, because watching anything else takes time, too.

The backward pass is measured by its nodes: those that were made while a call ran are that call's.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

_number_of = getattr(torch.autograd, "_get_sequence_nr", None)


@dataclasses.dataclass(frozen=True)
class Span:
    """Seconds of one thing, measured several times: the median and both ends. All 0 where it was not measured."""

    median: float = 0.0
    least: float = 0.0
    most: float = 0.0

    @classmethod
    def of(cls, seconds: list[float]) -> Span:
        """The span of these measurements.

        >>> Span.of([3.0, 1.0, 2.0])
        Span(median=2.0, least=1.0, most=3.0)
        """
        return cls(median(seconds), min(seconds), max(seconds)) if seconds else NEVER


NEVER = Span()


@dataclasses.dataclass
class Timed:
    """One call of a module: when it ran, and which nodes of the graph it made."""

    began: float
    ended: float = 0.0
    first: int = 0
    behind: int = 0
    backward: float = 0.0


class Clock:
    """`with Clock(model) as clock: loss = ...; clock.backward(loss)`; then `clock.calls`, in the order of a trace's module entries."""

    def __init__(self, model: nn.Module):
        self.model = model
        self.calls: list[Timed] = []
        self.open: list[Timed] = []
        self.handles: list[Any] = []

    def __enter__(self) -> Clock:
        for module in self.model.modules():
            self.handles.append(module.register_forward_pre_hook(self._opens))
            self.handles.append(module.register_forward_hook(self._closes, always_call=True))
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _opens(self, *_: Any) -> None:
        call = Timed(_now(), first=_number_of() if _number_of else 0)
        self.calls.append(call)
        self.open.append(call)

    def _closes(self, *_: Any) -> None:
        call = self.open.pop()
        call.ended, call.behind = _now(), _number_of() if _number_of else 0

    def backward(self, loss: Tensor) -> None:
        """Run the backward pass, and share its time out."""
        spent: dict[int, float] = {}
        for node in _nodes(loss.grad_fn) if _number_of else ():
            self.handles += _watched(node, spent)
        loss.backward()
        for number, seconds in spent.items():
            for call in self.calls:
                if call.first <= number < call.behind:
                    call.backward += seconds


def _watched(node: Any, spent: dict[int, float]) -> tuple[Any, Any]:
    number, began = node._sequence_nr(), [0.0]

    def before(gradients: Any) -> None:
        began[0] = _now()

    def behind(inputs: Any, outputs: Any) -> None:
        spent[number] = spent.get(number, 0.0) + _now() - began[0]

    before_it: Callable = before
    return node.register_prehook(before_it), node.register_hook(behind)


def _nodes(root: Any) -> Iterator[Any]:
    """Every node of the graph but those that add to a parameter's gradient."""
    pending, seen = [root], {root}
    while pending:
        node = pending.pop()
        if hasattr(node, "variable"):
            continue
        yield node
        new = [after for after, _ in node.next_functions if after is not None and after not in seen]
        seen.update(new)
        pending += new


def _now() -> float:
    """The time, once the accelerator has done what was asked of it."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()
