"""The first operation whose result is not finite although its inputs are, in the forward or the backward pass.

Every operation passes torch's dispatcher; the first that turns finite numbers into NaN or infinity is the culprit. A masked -inf before a
softmax is legal, so an infinity counts only when the loss or a gradient ends up non-finite, which is for the caller to know.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode

from ..engine.nested import tensors
from .module_path import ModulePath
from .source_lines import Line, running_line

_FILLS = (
    "masked_fill",
    "full",
    "new_full",
    "scalar_tensor",
    "fill",
    "empty",
    "empty_like",
    "new_empty",
    "zero",
    "where",
    "lift_fresh",
    "clone",
    "copy",
    "detach",
)

_EDGES = frozenset(("sqrt", "norm", "linalg_vector_norm", "pow", "log", "div", "rsqrt", "_cdist_forward"))  # no finite derivative at 0


@dataclasses.dataclass(frozen=True)
class BadOperation:
    """An operation that turned finite numbers into non-finite ones: its name, module, line, and the range of what went in."""

    name: str
    module: str
    line: Line
    inputs: tuple[tuple[float, float], ...]
    backward: bool = False


class FirstNonFinite(TorchDispatchMode):
    """`with FirstNonFinite(model) as watch: loss.backward()`; then `watch.found`.

    `at_edge` lists forward operations that were given a 0 where their derivative is infinite: the cause, if the backward pass fails.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.found: list[BadOperation] = []
        self.path = ModulePath(model)
        self.backward = False
        self.at_edge: list[BadOperation] = []

    def __enter__(self) -> FirstNonFinite:
        self.path.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.path.__exit__(*error)
        super().__exit__(*error)

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        name = function.overloadpacket.__name__
        before = [_range(t) for t in _floating((args, kwargs or {}))] if name.rstrip("_") not in _FILLS else None
        result = function(*args, **(kwargs or {}))
        if before and not self.backward and name in _EDGES and min(abs(end) for span in before for end in span) == 0:
            self.at_edge.append(BadOperation(name, self.path.current, running_line(2), tuple(before)))
        if before is not None and _turned(before, [_range(t) for t in _floating(result)]):
            self.found.append(BadOperation(name, self.path.current, running_line(2), tuple(before), self.backward))
        return result


def _floating(structure: Any) -> list[Tensor]:
    return [t for t in tensors(structure) if t.is_floating_point()]


def _range(tensor: Tensor) -> tuple[float, float]:
    if tensor.numel() == 0 or tensor.is_sparse or is_lazy(tensor):
        return 0.0, 0.0
    low, high = torch.aminmax(tensor.detach())
    return float(low), float(high)


def _turned(before: list[tuple[float, float]], after: list[tuple[float, float]]) -> bool:
    """Whether finite numbers became others, or numbers of any size became NaN."""
    if all(_finite(span) for span in before):
        return not all(_finite(span) for span in after)
    return not any(_none(span) for span in before) and any(_none(span) for span in after)


def _none(span: tuple[float, float]) -> bool:
    return any(math.isnan(end) for end in span)


def _finite(span: tuple[float, float]) -> bool:
    return all(abs(end) < float("inf") for end in span)
