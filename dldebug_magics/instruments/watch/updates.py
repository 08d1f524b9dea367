"""What a watched loop did to gradients and weights, one record a happening; like `events.py`, where the passes are."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..source_lines import Line


class ZeroGrad(NamedTuple):
    """Gradients were cleared by `zero_grad`. `optimizer` or `model` is the one that was asked; the other is -1.

    `had`: some of the gradients were not cleared before.
    """

    line: Line
    optimizer: int = -1
    model: int = -1
    had: bool = False


class Clip(NamedTuple):
    """Gradients were clipped. `limit`: to which norm or value. `norm`: what it was before (NaN for values). `empty`: there were none."""

    line: Line
    by: str
    limit: float
    norm: float = math.nan
    empty: bool = False


class Scaled(NamedTuple):
    """A gradient scaler was asked: `what` is "scale", "unscale_", "step" or "update"; `scale`: its factor then."""

    scaler: int
    line: Line
    what: str
    scale: float = math.nan


class Scheduled(NamedTuple):
    """A scheduler took a step; `rate`: the first rate afterwards. `skipped`: the first of all, where no step was taken with it."""

    scheduler: int
    line: Line
    rate: float = math.nan
    skipped: float = math.nan


class Saved(NamedTuple):
    """A model was asked for its `state_dict`, to store it or to remember it."""

    line: Line
    model: int


class Made(NamedTuple):
    """An optimizer or a scheduler was made while the loop was watched. `kind`: "optimizer" or "scheduler".

    `anew`: the weights were changed by hand since the last step of the optimizer that had them before.
    """

    kind: str
    number: int
    line: Line
    anew: bool = False


class Stepped(NamedTuple):
    """An optimizer took a step.

    rate: its first learning rate. backwards: how many backward passes went before, since its last step. closure: it ran passes of its own.
    stale: the gradient held one that an earlier step had used already. empty: no parameter had a gradient other than zero.
    Of a close look: moved: weights were changed by hand since the last step, before a backward pass. gradient, update, weights: norms
    before the step, of the step, and of the weights. residual: how much of the gradient, as a share of its norm, is not a multiple of what
    the backward passes since its last step brought. factor: that multiple (below 1: clipped).
    """

    optimizer: int
    line: Line
    rate: float
    backwards: int
    closure: bool = False
    stale: bool = False
    empty: bool = False
    moved: bool = False
    gradient: float = math.nan
    update: float = math.nan
    weights: float = math.nan
    residual: float = math.nan
    factor: float = math.nan
