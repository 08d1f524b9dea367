"""The health of a layer's activations over one batch: units that are zero for every sample, and values at a squashing function's limits.

A unit that rests for some samples is at work; only one that is silent on every sample of the batch gets no gradient at all.
"""

from __future__ import annotations

import dataclasses

from torch import Tensor

from .calls import Call
from .source_lines import Line

_LIMITS = {"sigmoid": (0.0, 1.0), "sigmoid_": (0.0, 1.0), "tanh": (-1.0, 1.0), "tanh_": (-1.0, 1.0)}


@dataclasses.dataclass(frozen=True)
class Activation:
    """One activation call: where it is, the share of dead units, that of values within 1 % of a limit, the width."""

    name: str
    index: int
    module: str
    line: Line
    dead: float
    saturated: float
    units: int


def health(call: Call) -> Activation | None:
    """The health of one recorded call; None where it has no batch axis or no values."""
    values = call.result
    if not isinstance(values, Tensor) or values.ndim < 2 or not values.numel():
        return None
    values = values.detach()
    dead = float((values == 0).all(dim=0).float().mean()) if call.rectifies else 0.0
    saturated = 0.0
    if call.name in _LIMITS:
        low, high = _LIMITS[call.name]
        margin = 0.01 * (high - low)
        saturated = float(((values < low + margin) | (values > high - margin)).float().mean())
    return Activation(
        call.name, call.index, call.module, call.line, dead, saturated, values.shape[1] if values.ndim != 3 else values.shape[-1]
    )
