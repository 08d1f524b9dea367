"""How alike neighbours are along the axis that a convolution reads as channels, and along the last: asked where both are as long."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from torch import Tensor

from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.input_tensors import input_tensors
from ..shape_trace import ShapeTrace
from ..shape_trace.history import is_input
from ..shape_trace.row import Row

_LONG = 8  # positions: fewer tell nothing about neighbours
_SMOOTH, _ROUGH = 0.3, 0.7  # of the distance of positions far apart


@dataclasses.dataclass(frozen=True)
class NeighboursCard(Observation):
    """path, kind: the first convolution; shape: what it is given. channels, last: the distance of neighbours along axis 1 and the last one.

    In units of the distance of positions far apart: 1 where neighbours are no more alike than any two. Empty where nothing is to be told.
    """

    path: str = ""
    kind: str = ""
    shape: tuple[int, ...] = ()
    channels: float = 1.0
    last: float = 1.0

    @property
    def exchanged(self) -> bool:
        """Whether the axis that is read as channels looks like time or rows, and the last like channels."""
        return self.channels < _SMOOTH and self.last > _ROUGH

    @classmethod
    def measure(cls, subject: Subject, trace: ShapeTrace) -> Iterator[NeighboursCard]:
        """Two means over the batch."""
        row = next((row for row in trace.rows if row.kind in ("Conv1d", "Conv2d", "Conv3d")), None) if trace.passed else None
        given = row.inputs[0].shape if row is not None and row.inputs and is_input(trace, row.inputs[0]) else ()
        found = next((t for t in input_tensors(subject)[0] if tuple(t.shape) == given), None)
        if row is None or found is None or not _either_way(row, given) or found.is_meta:
            yield cls()
            return
        yield cls(row.path, row.kind, given, _step(found, 1), _step(found, -1))


def _either_way(row: Row, given: tuple[int, ...]) -> bool:
    return len(given) == int(row.kind[-2]) + 2 and given[1] == given[-1] == row.settings["in_channels"] >= _LONG


def _step(values: Tensor, axis: int) -> float:
    """The mean distance of neighbours along an axis, in units of that of positions half its length apart.

    >>> import torch
    >>> round(_step(torch.linspace(0, 1, 100).expand(3, 100), 1), 2)
    0.02
    """
    values = values.detach().double()
    near, far = ((values - values.roll(by, axis)).abs() for by in (1, values.shape[axis] // 2))
    inner = near.narrow(axis, 1, near.shape[axis] - 1)
    return float(inner.mean() / far.mean()) if far.any() else 1.0
