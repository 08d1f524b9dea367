"""What a watched loop did, one record a happening: the data and the passes here, what was done to gradients and weights in `updates.py`.

Each record knows the user's `line`. Models, optimizers, schedulers, loaders and scalers are numbers: places in the lists of what was seen.
Values that cost time (`-1`, NaN or 0 where they were not taken) are there for steps that were looked at closely.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..broadcasts import Broadcast
from ..source_lines import Line
from .batch_norms import Normed
from .between import Idle
from .chains import Chain
from .holders import Holder
from .losses import Term
from .updates import Clip, Made, Saved, Scaled, Scheduled, Stepped, ZeroGrad
from .way_back import Halves


class Drawn(NamedTuple):
    """A loader gave a batch. `waited`: seconds until it came. `times`: so many in a row, as far as nothing else but evaluation went on.

    `content`: a short word for the batch's numbers (0: not taken); two batches with the same word are the same batch.
    `run`: how many labels in a row are equal, on average (0: no labels of whole numbers); `classes`: how many different ones;
    `label`: the first. `first`: a word for the batch's first tensor alone. `words`: for the values of tensors, whatever their type.
    """

    loader: int
    line: Line
    waited: float = 0.0
    samples: int = 0
    content: int = 0
    run: float = 0.0
    classes: int = 0
    label: int = -1
    first: int = 0
    times: int = 1
    words: tuple[int, ...] = ()


class Begun(NamedTuple):
    """A loader was begun anew: `for batch in loader`, or `iter(loader)`. `state`: a word for that of the generator its workers inherit."""

    loader: int
    line: Line
    times: int = 1
    state: int = 0


class Mode(NamedTuple):
    """`train()` or `eval()` was called on a model or a part of one."""

    model: int
    line: Line
    training: bool


class Forward(NamedTuple):
    """A model, or a part that was called by itself, ran. `grad`: gradients were recorded; `tracked`: its output has a graph.

    `training`: its own flag. `active`: how many of its dropout and batch norm layers were in training mode (-1: not counted).
    `content`: a short word for its inputs (0: not taken). `leaf_inputs`: an input asks for gradients itself (adversarial examples).
    `loader`: the one that gave the last batch before it (-1: none did). `state`: a short word for its weights, of passes that don't train
    (0: not taken). The same pass in a row is counted in one record (`times`).
    """

    model: int
    line: Line
    grad: bool
    tracked: bool
    training: bool
    active: int = -1
    content: int = 0
    leaf_inputs: bool = False
    loader: int = -1
    state: int = 0
    times: int = 1


class Backward(NamedTuple):
    """A backward pass. `loss`: its value. `leaf`: the loss is a leaf that asks for gradients itself; nothing is learnt from it.
    `detached`: it does not ask for any, and the pass raises. `made`: the line that made such a loss, where that was seen.

    `root`: the place of the loss in the order in which graphs are made; `before`: that of the pass before; `oldest`: that of the first node
    of its graph (-1: not looked for), at most `before` where a graph is used again. `state`: where that failed, the variable that has it.
    Of a close look: `terms` of the loss, their `values` where the sum was seen, a `broadcast` on the way, `idle` terms without gradient,
    `chains` of multiplications along which the gradient came back, gradients in float16 (`halves`), batch norms that took part (`normed`).
    `reached`: to how many parameters of the optimizers seen it brought a gradient (-1: not counted). `failed`: it raised.
    """

    line: Line
    loss: float = math.nan
    leaf: bool = False
    detached: bool = False
    retain: bool = False
    reached: int = -1
    failed: bool = False
    root: int = -1
    before: int = -1
    oldest: int = -1
    state: Holder | None = None
    terms: tuple[Term, ...] = ()
    values: tuple[float, ...] = ()
    broadcast: Broadcast | None = None
    idle: tuple[Idle, ...] = ()
    made: Line = Line()
    chains: tuple[Chain, ...] = ()
    halves: Halves | None = None
    normed: tuple[Normed, ...] = ()


Event = Drawn | Begun | Mode | Forward | Backward | ZeroGrad | Clip | Scaled | Scheduled | Saved | Made | Stepped


class StepSeen(NamedTuple):
    """One optimizer step with all that went before it, since the step before; the `Stepped` is the last of its events.

    `close`: it was looked at closely, so that the numbers that cost time are there.
    """

    number: int
    events: tuple[Event, ...]
    close: bool = True
