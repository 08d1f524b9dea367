"""Targets that are the input one step later: the mark of a model that predicts the next step, and must not see it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import torch
from torch import Tensor

_FEWEST = 8  # numbers that must agree
_SHARE = 0.25  # of a target that is not left out
_LEFT_OUT = -100


@dataclasses.dataclass(frozen=True)
class Shifted:
    """An input whose next steps are the target: its time axis, the sequence with most targets, and two steps that are one's answer."""

    tensor: Tensor
    axis: int
    row: int
    steps: tuple[int, ...]

    @property
    def length(self) -> int:
        """How many steps a sequence has."""
        return self.tensor.shape[self.axis]

    def changed_at(self, step: int) -> Tensor:
        """The input with one step of one sequence changed: to the next other code, or moved by more than the whole spread."""
        changed = self.tensor.clone()
        place = changed.movedim(self.axis, 1)[self.row, step]
        if changed.is_floating_point():
            place += 3 * float(self.tensor.float().std()) + 0.1
        else:
            codes = self.tensor.unique()
            place.copy_(codes[(torch.searchsorted(codes, place.clone()) + 1) % len(codes)])
        return changed


def next_steps(tensor: Tensor, targets: list[Tensor]) -> Iterator[Shifted]:
    """How the tensor is predicted one step ahead, if it is: time on the second axis, or on the first.

    >>> codes = torch.arange(12).view(2, 6)
    >>> [(s.axis, s.steps) for s in next_steps(codes[:, :-1], [codes[:, 1:]])], list(next_steps(codes, [codes]))
    ([(1, (2, 4))], [])
    """
    for axis in (1, 0) if tensor.ndim > 1 else ():
        for target in targets:
            told = _told(tensor, target, axis)
            if told is not None:
                valid = told.movedim(axis, 1).reshape(tensor.shape[1 - axis], tensor.shape[axis] - 1, -1).any(2)
                row = int(valid.sum(1).argmax())
                places = valid[row].nonzero()[:, 0].tolist()
                yield Shifted(tensor, axis, row, (places[(len(places) - 1) // 2] + 1, places[-1] + 1))
                return


def _told(tensor: Tensor, target: Tensor, axis: int) -> Tensor | None:
    """Which steps the target tells of the next one; None where it is something else, or tells the present one just as well."""
    length = tensor.shape[axis]
    for size in (length, length - 1):
        shape = [size if a == axis else n for a, n in enumerate(tensor.shape)]
        if length < 4 or target.numel() != math.prod(shape):
            continue
        said = target.reshape(shape).narrow(axis, 0, length - 1).to(tensor.device)
        told = said != _LEFT_OUT if not said.is_floating_point() else torch.ones_like(said, dtype=torch.bool)
        now, later = tensor.narrow(axis, 0, length - 1), tensor.narrow(axis, 1, length - 1)
        enough = int(told.sum()) >= max(_FEWEST, _SHARE * told.numel())
        if enough and torch.equal(later[told], said[told]) and not torch.equal(now[told], said[told]):
            return told
    return None


def in_time(output: Tensor, shifted: Shifted) -> Tensor | None:
    """The output as [sequence, step, ...]; None where it does not say which of its axes is time."""
    rows, length = shifted.tensor.shape[1 - shifted.axis], shifted.length
    two = tuple(shifted.tensor.shape[:2])
    if output.ndim and output.shape[0] == rows * length and output.shape[1:2] != (length,):
        output = output.reshape(*two, *output.shape[1:])
    if output.ndim < 2 or output.shape[1 - shifted.axis] != rows:
        return None
    places = [axis for axis in range(output.ndim) if axis != 1 - shifted.axis and output.shape[axis] in (length, length - 1)]
    return output.movedim((1 - shifted.axis, places[0]), (0, 1)) if len(places) == 1 else None
