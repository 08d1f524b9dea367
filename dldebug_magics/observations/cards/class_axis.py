"""Is the axis of the classes brought to its place by a view, which only cuts the same numbers anew, or left in the wrong one?

Followed backwards from what enters a loss of classes, also where that raises, through nothing but changes of shape.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ...cures.axes import classes_moved_last, permuted
from ...engine.ambient import seeded
from ...engine.call import forward, loss_of
from ...engine.errors import UserMistake
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import Call, Calls, closing
from ...instruments.loss_entries import Entry, LossEntries

_RESHAPES = frozenset(("view", "reshape"))
_OF_CLASSES = ("cross_entropy", "nll_loss")

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class ClassAxisCard(Observation):
    """A reshape (`name`, its how-manieth call `index`, `place`, `shapes`) where the axes had to be moved in this `order`; none: no order.

    `first` says that the model gives its classes on axis 1, where the loss, which raises, takes the last axis for theirs.
    """

    name: str = ""
    index: int = 0
    place: str = ""
    shapes: tuple[Shape, Shape] = ((), ())
    order: Shape = ()
    first: bool = False

    @property
    def seen(self) -> str:
        """Where the classes are, or what was made of them."""
        return f"{self.name} of {self.shapes[0]} to {self.shapes[1]}" if self.order else "on axis 1, where the loss takes the last"

    def code(self, loss: str) -> str:
        """The changed line."""
        moved = f"x.permute{self.order}.reshape{self.shapes[1]}   # instead of the {self.name} {self.place}"
        return moved if self.order else f"loss = {loss}(logits.movedim(1, -1), target)"

    def cure(self, subject: Subject) -> Subject:
        """The axis moved."""
        return permuted(self.name, self.index, self.order)(subject) if self.order else classes_moved_last(subject)

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[ClassAxisCard]:
        """One forward pass and loss, as found."""
        seeded(subject.seed)
        with torch.enable_grad(), LossEntries() as entries, Calls(_RESHAPES, subject.model) as calls:
            try:
                raised = loss_of(subject) is None
            except UserMistake:
                raise
            except Exception:  # the run observed it and wrote it down; here it is what entered the loss that counts
                raised = True
        entry = next((e for e in reversed(entries.made) if e.name in _OF_CLASSES), None)
        entering = entry.argument(0, "input") if entry is not None else None
        if entry is None or not isinstance(entering, Tensor) or entering.ndim < 2:
            yield cls()
            return
        for call in _chain(entering, calls.made):
            before, after = tuple(call.arguments[0].shape), tuple(call.result.shape)
            order = scrambled(before, after)
            if order and entering.shape[1] in (before[1], before[-1]):
                yield cls(call.name, call.index, call.line.place, (before, after), order)
                return
        yield cls(first=raised and entry.result is None and _classes_first(subject, entry))


def _chain(tensor: Tensor, made: list[Call]) -> Iterator[Call]:
    """The reshapes on the way to this tensor, the last one first."""
    while (call := closing(tensor, made) if tensor.grad_fn is not None else None) is not None and isinstance(call.arguments[0], Tensor):
        yield call
        tensor, made = call.arguments[0], [other for other in made if other is not call]


def scrambled(before: Shape, after: Shape) -> Shape:
    """The order of axes that a reshape stands for where it moves the classes between axis 1 and the last, or lays them out as rows.

    >>> scrambled((8, 12, 30), (8, 30, 12)), scrambled((8, 3, 5, 5), (200, 3)), scrambled((8, 12, 30), (96, 30))
    ((0, 2, 1), (0, 2, 3, 1), ())
    """
    axes = tuple(range(len(before)))
    if len(before) < 3 or before == after or min(before[1], math.prod(before[2:]), before[-1]) < 2:
        return ()
    to_first, to_last = (0, axes[-1], *axes[1:-1]), (0, *axes[2:], 1)
    as_rows = after == (before[0] * math.prod(before[2:]), before[1]) and before[-1] != before[1]
    if after == tuple(before[axis] for axis in to_first):
        return to_first
    return to_last if as_rows or after == tuple(before[axis] for axis in to_last) else ()


def _classes_first(subject: Subject, entry: Entry) -> bool:
    """Whether the model's output has a place for each label behind its axis 1, and the loss was given another number of rows."""
    target, given = entry.argument(1, "target"), entry.argument(0, "input")
    seeded(subject.seed)
    with torch.enable_grad():
        output, targets = forward(subject, subject.batch)
    whole, labels = next((t for t in tensors(output) if t.is_floating_point()), None), next(tensors(targets), None)
    if whole is None or labels is None or not isinstance(target, Tensor) or whole.ndim < 3 or given.ndim != 2:
        return False
    return labels.shape == whole.shape[:1] + whole.shape[2:] and len(given) != target.numel() and given.shape[1] == whole.shape[-1]
