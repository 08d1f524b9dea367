"""What happened before a pass broke, read from its rows: where a size came from, who read the input as one sample, what the targets are."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from ...instruments.forms import Form
from .row import Row

if TYPE_CHECKING:
    from . import ShapeTrace

_FLATTENING = frozenset(("Flatten", "flatten", "view", "reshape"))
_MOVING = frozenset("permute transpose movedim moveaxis swapaxes swapdims t mT T view reshape flatten einsum rot90 roll".split())
_REDUCING = frozenset(("mean", "sum", "amax", "amin", "max", "min", "logsumexp", "norm", "std", "var"))
_SIZES = ("out_features", "out_channels", "embedding_dim", "hidden_size")
_CHANNELS = frozenset(f"{kind}{n}d" for kind in ("Conv", "ConvTranspose") for n in (1, 2, 3))
_RECURRENT = frozenset(("LSTM", "GRU", "RNN"))


def counted(trace: ShapeTrace, given: Form, size: int) -> str:
    """A size, and how it came about where it was flattened: '400 = 16 x 5 x 5 after Flatten'."""
    for row in reversed(trace.rows):
        if row.kind in _FLATTENING and row.inputs and row.outputs and row.outputs[0].shape == given.shape:
            factors = row.inputs[0].shape[1:]
            if len(factors) > 1 and math.prod(factors) == size:
                return f"{size} = {' x '.join(map(str, factors))} after {row.kind}"
    return str(size)


def builder(trace: ShapeTrace, size: int) -> tuple[Row, str] | None:
    """The last layer that decides how many features there are, where these are as many; with the setting that says so."""
    for row in reversed(trace.rows):
        setting = next((name for name in _SIZES if name in row.settings), "")
        if row.is_module and setting and row.outputs:
            return (row, setting) if row.settings[setting] == size and size in row.outputs[0].shape else None
    return None


def reduced_from(trace: ShapeTrace, given: Form, size: int) -> bool:
    """Whether a mean, sum or the like made this tensor out of one that had an axis of that size."""
    row = next((row for row in reversed(trace.rows) if row.outputs and row.outputs[0].shape == given.shape), None)
    return row is not None and row.kind in _REDUCING and bool(row.inputs) and size in row.inputs[0].shape[1:]


def inputs_of(trace: ShapeTrace) -> tuple[Form, ...]:
    """What the model was given; without the names of axes, which a batch and a failure do not know."""
    given = trace.rows[0].inputs if trace.rows and trace.rows[0].is_module else ()
    return tuple(dataclasses.replace(form, names=()) for form in given)


def targets_of(trace: ShapeTrace) -> tuple[Form, ...]:
    """What else was in the batch."""
    rest = list(trace.inputs)
    for form in inputs_of(trace):
        if form in rest:
            rest.remove(form)
    return tuple(rest)


def is_input(trace: ShapeTrace, given: Form) -> bool:
    """Whether this is what the model was given, as far as its shape tells."""
    return any(form.shape == given.shape for form in inputs_of(trace))


def samples(trace: ShapeTrace) -> int | None:
    """How many samples the targets are for, as their first axis says; None where there are none, or they are single numbers."""
    first = next(iter(targets_of(trace)), None)
    return first.shape[0] if first is not None and first.shape else None


def unbatched_reader(trace: ShapeTrace) -> Row | None:
    """The first layer that took the model's input for one sample without a batch axis: a convolution or a recurrent layer."""
    for row in trace.rows[1:]:
        if row.is_module and row.kind in _CHANNELS | _RECURRENT and row.inputs:
            rank = int(row.kind[-2]) + 1 if row.kind in _CHANNELS else 2
            wanted = row.settings["in_channels"] if row.kind in _CHANNELS else row.settings["input_size"]
            shape = row.inputs[0].shape
            fits = len(shape) == rank and shape[0 if row.kind in _CHANNELS else -1] == wanted
            return row if fits and is_input(trace, row.inputs[0]) else None
    return None


def from_convolution(trace: ShapeTrace, row: Row) -> bool:
    """Whether a layer is given what a convolution gave, through nothing that could have moved an axis."""
    for before in reversed(trace.rows[: trace.rows.index(row)]):
        if before.is_module and not before.outputs:
            continue  # a module around it, which is not over yet
        if before.kind in _CHANNELS:
            return before.outputs[0].shape == row.inputs[0].shape
        if before.kind in _MOVING or not before.outputs or before.outputs[0].shape != row.inputs[0].shape:
            return False
    return False


def width(trace: ShapeTrace) -> int | None:
    """How many features a layer would read that was not called: those of the tensor it failed with, or of the last layer's input."""
    failure = trace.failure
    failed = [form for form in failure.inputs if form.shape] if failure is not None and failure.operation in ("linear", "matmul") else []
    read = [row.inputs[0] for row in trace.rows if row.is_module and row.parameters and row.inputs and row.inputs[0].shape]
    form = next(iter([*failed, *reversed(read)]), None)
    return form.shape[-1] if form is not None else None


def unflattened(trace: ShapeTrace) -> Row | None:
    """The linear layer that took the columns of maps for its features, where the loss wants one row a sample."""
    failure = trace.failure
    if failure is None or failure.phase != "loss" or any(len(target.shape) > 1 for target in targets_of(trace)):
        return None
    row = next((row for row in trace.rows if row.kind == "Linear" and row.is_module and row.inputs), None)
    output = failure.inputs[0].shape if failure.inputs else ()
    if row is None or len(row.inputs[0].shape) < 3 or len(output) < 3:
        return None
    before = [r for r in trace.rows[: trace.rows.index(row)] if r.is_module and r.kind in _CHANNELS and r.outputs]
    return row if before and len(before[-1].outputs[0].shape) == len(row.inputs[0].shape) else None
