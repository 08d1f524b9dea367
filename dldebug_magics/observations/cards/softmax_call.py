"""One softmax of a forward pass and its loss, in plain numbers and names, and the user's line without or with another axis."""

from __future__ import annotations

import dataclasses
import math

from ...engine.edits import Edit
from ...instruments.call_edits import with_argument
from ...instruments.ready_edits import along, left_out
from ...instruments.source_edits import without_call
from ...instruments.source_lines import Line, where

OWN = "own"


@dataclasses.dataclass(frozen=True)
class Softmax:
    """One call. `enters` names the loss that takes its result (`OWN`: it is the model's output), and is empty where none does; `entering`
    is the shape in which it does, and `shared` the axes of that shape along which its entries sum to one.

    `expression` is the user's words where the call has a module of its own; `fed_by` is the place, among all, of the softmax before it.
    """

    name: str
    index: int
    expression: str
    module: str
    line: Line
    shape: tuple[int, ...]
    axis: int
    over_batch: bool
    enters: str
    entering: tuple[int, ...]
    shared: tuple[int, ...]
    fed_by: int | None

    @property
    def where(self) -> str:
        return where(self.expression or self.module, self.line)

    @property
    def length(self) -> int:
        """How many entries share a sum of one."""
        return self.shape[self.axis]

    @property
    def into_classes(self) -> bool:
        """Whether a loss of torch's that reads classes along axis 1 takes it."""
        return self.enters in ("nll_loss", "cross_entropy") and len(self.entering) > 1

    @property
    def beside_classes(self) -> bool:
        """Whether such a loss takes it and its sums of one lie along another axis; of two equally long axes nobody knows."""
        square = len(self.entering) > 2 and self.entering[1] == self.entering[-1]
        elsewhere = bool(self.shared) or self.over_batch or self._beside_rows
        return self.into_classes and 1 not in self.shared and elsewhere and not square

    @property
    def _beside_rows(self) -> bool:
        """Whether it went over an axis before the last one, which then became the classes of one long batch of rows."""
        rows, classes = math.prod(self.shape[:-1]), self.shape[-1]
        return self.entering == (rows, classes) and 0 < self.axis < len(self.shape) - 1 and self.length != classes

    @property
    def right_axis(self) -> int | None:
        """The axis to go over instead: that of the classes, where its shape is the loss's, else the last other one longer than 1."""
        if self.into_classes and self.entering == self.shape:
            return 1
        return next((axis for axis in reversed(range(1, len(self.shape))) if self.shape[axis] > 1 and axis != self.axis), None)

    @property
    def taken_out(self) -> str:
        """The changed line: without this call."""
        return f"{self.expression} = torch.nn.Identity()" if self.expression else without_call(self.line.source, self.name)

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The same in the user's own line, where the call has no module of its own."""
        return () if self.expression else left_out(self.line.spot, self.name)

    def edits_along(self, axis: int) -> tuple[Edit, ...]:
        """The call over that axis, in the user's own line."""
        return () if self.expression else along(self.line, self.name, axis)

    def along(self, axis: int) -> str:
        """The changed line: over that axis."""
        kind = "Softmax" if self.name == "softmax" else "LogSoftmax"
        line = with_argument(self.line.source, self.name, "dim", axis)
        return f"{self.expression} = torch.nn.{kind}(dim={axis})" if self.expression else line
