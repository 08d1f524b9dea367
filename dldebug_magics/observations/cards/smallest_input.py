"""How small a picture or sequence may be: found by trying, only where a pass broke because nothing was left of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from ...cures.input_size import enlarged
from ...engine.call import forward
from ...engine.deadline import in_time
from ...engine.nested import mapped
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.forms import Form
from ..shape_trace import ShapeTrace
from ..shape_trace.failure import Failure
from ..shape_trace.history import inputs_of

_SAYS = ("Output size is too small", "Kernel size can't be greater", "Padding size should be less", "more than 1 spatial element")
_LARGEST = 1024
_USUAL = (32, 64, 96, 128, 160, 192, 224, 227, 256, 299, 384, 512)  # sides of pictures that networks are built for


def collapsed(failure: Failure | None) -> bool:
    """Whether a layer found fewer rows, columns or steps than it needs."""
    return failure is not None and any(failure.says(piece) for piece in _SAYS)


@dataclasses.dataclass(frozen=True)
class SmallestInputCard(Observation):
    """given: the model's input; axes: its rows and columns, or its steps; side: the least of the shorter one that works, 0 for none."""

    given: Form
    axes: tuple[int, ...] = ()
    side: int = 0

    @classmethod
    def measure(cls, subject: Subject, trace: ShapeTrace) -> Iterator[SmallestInputCard]:
        """Passes with ever larger inputs, then the least of them that works."""
        given = next((form for form in inputs_of(trace) if len(form.shape) > 1), None)
        if given is None or not collapsed(trace.failure):
            return
        yield cls(given)
        for axes in _spatial(given):
            side = _least(_Trying(subject, given, axes))
            if side:
                yield cls(given, axes, side)
                return


def _spatial(given: Form) -> list[tuple[int, ...]]:
    """The axes that may be meant: all behind the channels, or the steps in front of the features."""
    rank = len(given.shape)
    return [(1,)] if rank == 2 else [tuple(range(2, rank)), (1,)] if rank == 3 else [tuple(range(rank - 2, rank))]


@dataclasses.dataclass
class _Trying:
    """Passes of two samples, with inputs of other sizes."""

    subject: Subject
    given: Form
    axes: tuple[int, ...]

    def says(self, side: int) -> str:
        """What torch says to inputs of that size; nothing where they pass."""
        in_time(self.subject)
        larger = enlarged(self.given.shape, self.axes, side)(self.subject)
        two = mapped(larger.batch, lambda tensor: tensor[:2] if tensor.ndim else tensor)
        try:
            with torch.no_grad():
                self.subject.step(two) if self.subject.step is not None else forward(self.subject, two)
        except Exception as error:  # the user's model does not take this size
            return str(error) or type(error).__name__
        return ""

    def collapses(self, side: int) -> bool:
        """Whether that is still too small."""
        said = self.says(side)
        return any(piece in said for piece in _SAYS)


def _least(trying: _Trying) -> int:
    low = min(trying.given.shape[axis] for axis in trying.axes)
    high = 2 * low
    while trying.collapses(high):
        low, high = high, 2 * high
        if high > _LARGEST:
            return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if trying.collapses(middle) else (low, middle)
    return next((side for side in (high, *(side for side in _USUAL if side > high)) if not trying.says(side)), 0)
