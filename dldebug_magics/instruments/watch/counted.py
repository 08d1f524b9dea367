"""The hits or the loss of one batch, as the user's own code adds them up."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..source_lines import Line
from .averages import Average


class Counted(NamedTuple):
    """The hits or the loss (`kind`) of a batch of so many samples, by `reduction` a sum or a mean; a `line` adds it up for an `average`."""

    line: Line
    kind: str
    reduction: str
    samples: int
    value: float = math.nan
    step: int = -1
    evaluating: bool = True
    average: Average | None = None
