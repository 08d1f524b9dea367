"""What a watched loop did, one record a happening: plain numbers and names, in the order in which things happened.

Each record knows the user's `line`. Models, optimizers, schedulers, loaders and scalers are numbers: places in the lists of what was seen.
Values that cost time (`-1`, NaN or 0 where they were not taken) are there for steps that were looked at closely.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..source_lines import Line


class Drawn(NamedTuple):
    """A loader gave a batch. `waited`: seconds until it came. `count`: so many in a row, as far as nothing else but evaluation went on.

    `content`: a short word for the batch's numbers (0: not taken); two batches with the same word are the same batch.
    `run`: how many labels in a row are equal, on average (0: no labels of whole numbers); `classes`: how many different ones.
    """

    loader: int
    line: Line
    waited: float = 0.0
    samples: int = 0
    content: int = 0
    run: float = 0.0
    classes: int = 0
    count: int = 1


class Begun(NamedTuple):
    """A loader was begun anew: `for batch in loader`, or `iter(loader)`."""

    loader: int
    line: Line
    count: int = 1


class Mode(NamedTuple):
    """`train()` or `eval()` was called on a model or a part of one."""

    model: int
    line: Line
    training: bool
    count: int = 1


class Forward(NamedTuple):
    """A model, or a part that was called by itself, ran. `grad`: gradients were recorded; `tracked`: its output has a graph.

    `training`: its own flag. `active`: how many of its dropout and batch norm layers were in training mode (-1: not counted).
    `content`: a short word for its inputs (0: not taken). `leaf_inputs`: an input asks for gradients itself (adversarial examples).
    Forward passes without gradients are counted in one record, as long as nothing is trained between them.
    """

    model: int
    line: Line
    grad: bool
    tracked: bool
    training: bool
    active: int = -1
    content: int = 0
    leaf_inputs: bool = False
    count: int = 1


class Backward(NamedTuple):
    """A backward pass. `loss`: its value. `leaf`: the loss has no graph behind it, so that nothing can be learnt from it.

    `reached`: to how many parameters of the optimizers seen it brought a gradient (-1: not counted). `failed`: it raised.
    """

    line: Line
    loss: float = math.nan
    leaf: bool = False
    retain: bool = False
    reached: int = -1
    failed: bool = False
    count: int = 1


class ZeroGrad(NamedTuple):
    """Gradients were cleared by `zero_grad`. `optimizer` or `model` is the one that was asked; the other is -1.

    `had`: some of the gradients were not cleared before.
    """

    line: Line
    optimizer: int = -1
    model: int = -1
    had: bool = False
    count: int = 1


class Clip(NamedTuple):
    """Gradients were clipped. `limit`: to which norm or value. `norm`: what it was before (NaN for values). `empty`: there were none."""

    line: Line
    by: str
    limit: float
    norm: float = math.nan
    empty: bool = False
    count: int = 1


class Scaled(NamedTuple):
    """A gradient scaler was asked: `what` is "scale", "unscale_", "step" or "update"; `scale`: its factor then."""

    scaler: int
    line: Line
    what: str
    scale: float = math.nan
    count: int = 1


class Scheduled(NamedTuple):
    """A scheduler took a step; `rate`: the first rate afterwards."""

    scheduler: int
    line: Line
    rate: float = math.nan
    count: int = 1


class Made(NamedTuple):
    """An optimizer or a scheduler was made while the loop was watched. `kind`: "optimizer" or "scheduler"."""

    kind: str
    number: int
    line: Line
    count: int = 1


class Stepped(NamedTuple):
    """An optimizer took a step.

    rate: its first learning rate. backwards: how many backward passes went before, since its last step. closure: it ran passes of its own.
    stale: the gradient held one that an earlier step had used already. empty: no parameter had a gradient other than zero.
    Of a close look: gradient, update, weights: norms before the step, of the step, and of the weights. residual: how much of the
    gradient, as a share of its norm, is not a multiple of what the backward passes since its last step brought; factor: that multiple (below
    1: clipped).
    """

    optimizer: int
    line: Line
    rate: float
    backwards: int
    closure: bool = False
    stale: bool = False
    empty: bool = False
    gradient: float = math.nan
    update: float = math.nan
    weights: float = math.nan
    residual: float = math.nan
    factor: float = math.nan
    count: int = 1


Event = Drawn | Begun | Mode | Forward | Backward | ZeroGrad | Clip | Scaled | Scheduled | Made | Stepped


class StepSeen(NamedTuple):
    """One optimizer step with all that went before it, since the step before; the `Stepped` is the last of its events.

    `close`: it was looked at closely, so that the numbers that cost time are there.
    """

    number: int
    events: tuple[Event, ...]
    close: bool = True
