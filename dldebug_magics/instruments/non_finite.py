"""The first operation whose result is not finite although its inputs are, in the forward or the backward pass.

Every operation passes torch's dispatcher; the first that turns finite numbers into NaN or infinity is the culprit. A masked -inf before a
softmax is legal, so where numbers came from is handed on from tensor to tensor: `origin` tells which operation spoilt the loss or a
gradient, and what was taken up on the way (the logarithm of a mask) is no culprit.
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

_FILLS = frozenset(  # what is empty holds whatever lay there before
    "masked_fill full new_full scalar_tensor fill zero where lift_fresh clone copy detach "
    "empty empty_like empty_strided empty_permuted new_empty new_empty_strided".split()
)

_EDGES = frozenset(("sqrt", "norm", "linalg_vector_norm", "pow", "log", "div", "rsqrt", "_cdist_forward"))  # no finite derivative at 0


@dataclasses.dataclass(frozen=True)
class BadOperation:
    """An operation that turned finite numbers into non-finite ones: its name, module, line, and the range of what went in.

    In the backward pass `node` names the forward operation whose gradient it is (`SqrtBackward0`).
    """

    name: str
    module: str
    line: Line
    inputs: tuple[tuple[float, float], ...]
    backward: bool = False
    node: str = ""

    @property
    def masks_all(self) -> bool:
        """Whether it is a softmax over a row of nothing but -inf."""
        return _masks_all(self.name, list(self.inputs))

    @property
    def averages_nothing(self) -> bool:
        """Whether it is a likelihood of classes, without weights, of which no label counts."""
        return self.name.startswith("nll_loss") and len(self.inputs) == 1 and not self.backward


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
        self.origins: dict[int, tuple[Tensor, BadOperation]] = {}  # by identity; held, so that no identity is used twice

    def __enter__(self) -> FirstNonFinite:
        self.path.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.path.__exit__(*error)
        super().__exit__(*error)

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        name, given = function.overloadpacket.__name__, _floating((args, kwargs or {}))
        before = [_range(t) for t in given]
        origin = next((found for found in map(self.origin, given) if found is not None), None)
        result = function(*args, **(kwargs or {}))
        fills = name.rstrip("_") in _FILLS
        if before and not fills and not self.backward and name in _EDGES and min(abs(end) for span in before for end in span) == 0:
            self.at_edge.append(BadOperation(name, self.path.current, running_line(2), tuple(before), node=_node()))
        made = _floating(result)
        after = [_range(t) for t in made]
        if before and not fills and _turned(before, after) and (origin is None or _masks_all(name, before)):
            origin = BadOperation(name, self.path.current, running_line(2), tuple(before), self.backward, _node())
            self.found.append(origin)
        for tensor, span in zip(made, after, strict=True):
            self._note(tensor, None if _finite(span) else origin)
        return result

    def origin(self, tensor: Tensor) -> BadOperation | None:
        """The operation that the non-finite numbers of this tensor came from; None where it has none, or they were filled in."""
        return self.origins[id(tensor)][1] if id(tensor) in self.origins else None

    def _note(self, tensor: Tensor, origin: BadOperation | None) -> None:
        if origin is not None:
            self.origins[id(tensor)] = tensor, origin
        else:
            self.origins.pop(id(tensor), None)


def _node() -> str:
    """The node of the graph whose backward pass is running: `SqrtBackward0`; empty in the forward pass."""
    node = torch._C._current_autograd_node()
    return "" if node is None else node.name()


def _masks_all(name: str, before: list[tuple[float, float]]) -> bool:
    """Whether a softmax is given a row of nothing but -inf: NaN comes up there, wherever the -inf came from."""
    return name.lstrip("_") in ("softmax", "log_softmax") and bool(before) and before[0][0] == -math.inf and before[0][1] < math.inf


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
