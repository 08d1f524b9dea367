"""A flatten by a number worked out by hand (`view(-1, 400)` where each sample has 256), or none where the columns fit by chance."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from ...cures.layers import given_to, in_turn, rebuilt
from ...engine.evidence import Confidence, Evidence, Fact, Fix
from ...instruments.forms import Form
from ...instruments.source_lines import Line, where
from .row import Row
from .views import asked_of
from .wanted import wanted

if TYPE_CHECKING:
    from . import ShapeTrace

_FLATTENING = ("view", "reshape")
_ALL = ("flatten", "view", "reshape", "ravel")


@dataclasses.dataclass(frozen=True)
class Flattened:
    """given: what was flattened; asked: the number it was to have; call: view or reshape; path and line: where."""

    given: Form
    asked: int
    call: str
    path: str
    line: Line

    @property
    def has(self) -> int:
        """How many numbers each sample has."""
        return math.prod(self.given.shape[1:])

    @property
    def fact(self) -> Fact:
        """The two numbers."""
        return Fact(f"numbers of a sample in front of {self.call}", f"{self.has} ({self.given})", str(self.asked))

    @property
    def fix(self) -> Fix:
        """The view cuts the batch into rows of that length; a flatten keeps the samples apart."""
        code = f"x = x.flatten(1); nn.Linear({self.has}, ...)   # not {self.call}, and {self.asked}"
        return Fix(f"Flatten each sample, and build the layer behind for {self.has}.", code, f"a flatten, and in_features={self.has}")


def by_hand(trace: ShapeTrace) -> Flattened | None:
    """The call, where it raised, or where the loss refuses the number of rows that it made."""
    failure = trace.failure
    if failure is None:
        return None
    if failure.operation in _FLATTENING and failure.says("is invalid for input of size"):
        return _checked(failure.inputs[0], asked_of(failure.arguments), failure.operation, failure.module, failure.line)
    found = wanted(failure)
    if found is not None and found.family == "linear" and len(found.given.shape) == 1:
        row = next(
            (row for row in reversed(trace.rows) if row.kind in _ALL and row.outputs and row.outputs[0].shape == found.given.shape), None
        )
        if row is not None and len(row.inputs[0].shape) > 2 and math.prod(row.inputs[0].shape[1:]) != found.size:
            return Flattened(row.inputs[0], found.size, row.kind, row.path, row.line)
    if failure.phase == "loss" and failure.says("Expected input batch_size", "to match target batch_size"):
        for row in trace.rows:
            if row.kind in _FLATTENING and row.outputs and row.inputs and row.outputs[0].shape[0] != row.inputs[0].shape[0]:
                return _checked(row.inputs[0], asked_of(row.settings), row.kind, row.path, row.line)
    return None


def _checked(given: Form, asked: tuple[int, ...], call: str, path: str, line: Line) -> Flattened | None:
    """Rows of a fixed length are a flatten where there were more axes than two."""
    if len(asked) != 2 or asked[0] != -1 or len(given.shape) < 3:
        return None
    found = Flattened(given, asked[1], call, path, line)
    return found if asked[1] not in (found.has, *given.shape) else None


def on_columns(row: Row) -> Evidence:
    """The layer was built for the columns of the maps, and the loss refuses the rest."""
    shape, product = row.inputs[0].shape, math.prod(row.inputs[0].shape[1:])
    fact = Fact(f"what Linear `{row.path}` is given", str(row.inputs[0]), f"samples x {product}: one row for each target")
    code = f"x = torch.flatten(x, 1); nn.Linear({product}, {row.settings['out_features']})"
    fix = Fix(f"Flatten first, and build the layer for {product}.", code, f"a flatten, and in_features={product}")
    cure = in_turn(rebuilt(row.path, in_features=product), given_to(row.path, lambda tensor: tensor.flatten(1), shape))
    return Evidence(Confidence.LIKELY, (fact,), where(row.path, row.line), fix, cure)
