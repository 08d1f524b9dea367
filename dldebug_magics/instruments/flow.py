"""Where one sample gets into the others: every torch call of two passes, side by side, of which one was given a changed sample.

A tensor keeps its samples apart where all that changed lies in one sample's share of some axis, wherever that axis has been moved to.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..engine.nested import tensors
from .calls import name_of
from .module_path import ModulePath
from .source_lines import Line, running_line

_ROUNDING = 1e-5  # of the largest value; batched products differ by rounding


@dataclasses.dataclass(frozen=True)
class Step:
    """One call: copies of the tensors that went in and came out, and what else it was told."""

    name: str
    index: int
    module: str
    line: Line
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    given: tuple[Tensor, ...]
    made: tuple[Tensor, ...]


class Flow(TorchFunctionMode):
    """`with Flow(model) as flow: ...`; `flow.steps` lists every call that made a tensor."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.steps: list[Step] = []
        self.counts: Counter[str] = Counter()
        self.path = ModulePath(model)

    def __enter__(self) -> Flow:
        self.path.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.path.__exit__(*error)
        super().__exit__(*error)

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords, name = kwargs or {}, name_of(function)
        index, self.counts[name] = self.counts[name], self.counts[name] + 1
        given = _copies((args, keywords))
        result = function(*args, **keywords)
        if isinstance(result, (Tensor, tuple, list)) and given:
            self.steps.append(Step(name, index, self.path.current, running_line(2), args, keywords, given, _copies(result)))
        return result


def _copies(structure: Any) -> tuple[Tensor, ...]:
    with torch._C.DisableTorchFunction():
        return tuple(t.detach().clone() for t in tensors(structure) if t.layout is torch.strided and not nn.parameter.is_lazy(t))


def mixing(clean: list[Step], moved: list[Step], samples: int) -> Iterator[tuple[Step, int]]:
    """The calls that are given samples that are apart and give back samples that are not, with the axis that held the samples."""
    for one, other in zip(clean, moved, strict=False):
        if one.name != other.name or len(one.given) != len(other.given):
            return
        given = [changed(a, b) for a, b in zip(one.given, other.given, strict=True)]
        made = [changed(a, b) for a, b in zip(one.made, other.made, strict=False)]
        axes = [axis_of_samples(mask, samples) for mask in given]
        if None not in axes and None in [axis_of_samples(mask, samples) for mask in made]:
            yield one, next((axis for axis, mask in zip(axes, given, strict=True) if axis is not None and mask.any()), 0)


def changed(one: Tensor, other: Tensor) -> Tensor:
    """Where two tensors differ by more than rounding; everywhere if their shapes do."""
    if one.shape != other.shape:
        return torch.ones_like(one, dtype=torch.bool)
    if not one.is_floating_point():
        return one != other
    size = float(torch.nan_to_num(one, posinf=0.0, neginf=0.0).abs().max()) if one.numel() else 0.0
    return ((one - other).abs() > _ROUNDING * size) & (one != other)


def axis_of_samples(mask: Tensor, samples: int) -> int | None:
    """The axis along which all that changed is one sample's share; 0 where nothing changed, None where samples are mixed.

    >>> mask = torch.zeros(3, 4, dtype=torch.bool)
    >>> mask[:, 0] = True
    >>> axis_of_samples(mask, 4), axis_of_samples(mask, 3)
    (1, None)
    """
    if not mask.any():
        return 0
    for axis, length in enumerate(mask.shape):
        touched = int(mask.movedim(axis, 0).reshape(length, -1).any(1).sum())
        if length % samples == 0 and touched <= length // samples:
            return axis
    return None
