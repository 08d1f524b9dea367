"""A mean, a sum or a softmax over the wrong axis, behind which nothing fits: found by taking it over another one, with which the pass ends.

Only one that names the batch axis, an axis that is not there, or several axes is tried; and never over the batch.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ...cures.axes import reduced_over
from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.subject import Subject
from ...instruments.calls import name_of
from ...instruments.module_path import ModulePath
from ...instruments.source_lines import Line, running_line

_REDUCING = frozenset("mean sum prod amax amin logsumexp std var median softmax log_softmax".split())
_LAST = 4  # calls before the break that are tried

Axes = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Reduction:
    """One call, also of one that raised: over which axes of which shape, and what came out."""

    name: str
    index: int
    module: str
    line: Line
    shape: tuple[int, ...]
    axes: Axes
    result: tuple[int, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Whether it goes over the batch, over an axis that is not there, or over several."""
        count = len(self.shape)
        return len(self.axes) > 1 or any(not -count <= axis < count or axis % count == 0 for axis in self.axes)

    def others(self) -> Iterator[Axes]:
        """The same without the batch, then as many other axes behind it, the last ones first."""
        if 0 in self.axes and len(self.axes) > 1:
            yield tuple(axis for axis in self.axes if axis)
        for axes in itertools.combinations(reversed(range(1, len(self.shape))), len(self.axes)):
            if set(axes) != {axis % len(self.shape) for axis in self.axes if -len(self.shape) <= axis < len(self.shape)}:
                yield tuple(sorted(axes))


def repaired_by(subject: Subject) -> Iterator[tuple[Reduction, Axes]]:
    """The reductions of a pass that breaks, each with the axes over which it lets the pass go to its end."""
    with _Reductions(subject.model) as seen:
        if _ends(subject):
            return
    for call in [call for call in reversed(seen.made) if call.doubtful][:_LAST]:
        for axes in call.others():
            if _ends(reduced_over(call.name, call.index, axes)(subject)):
                yield call, axes
                break


def _ends(subject: Subject) -> bool:
    seeded(subject.seed)
    try:
        with torch.enable_grad():
            loss_of(subject)
    except Exception:  # the program breaks: that is what was asked
        return False
    return True


class _Reductions(TorchFunctionMode):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.made: list[Reduction] = []
        self.counts: Counter[str] = Counter()
        self.path = ModulePath(model)

    def __enter__(self) -> _Reductions:
        self.path.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.path.__exit__(*error)
        super().__exit__(*error)

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords, name, result = kwargs or {}, name_of(function), None
        if name not in _REDUCING:
            return function(*args, **keywords)
        index, self.counts[name] = self.counts[name], self.counts[name] + 1
        try:
            result = function(*args, **keywords)
        finally:
            axes = _axes(args, keywords)
            if axes and args and isinstance(args[0], Tensor):
                shape = tuple(result.shape) if isinstance(result, Tensor) else ()
                self.made.append(Reduction(name, index, self.path.current, running_line(2), tuple(args[0].shape), axes, shape))
        return result


def _axes(args: tuple, keywords: dict[str, Any]) -> Axes:
    """The axes that a call names; none where it takes all."""
    named = keywords.get("dim", keywords.get("axis", args[1] if len(args) > 1 else ()))
    numbers = (named,) if isinstance(named, int) else tuple(named) if isinstance(named, (tuple, list)) else ()
    return numbers if all(isinstance(number, int) and not isinstance(number, bool) for number in numbers) else ()
