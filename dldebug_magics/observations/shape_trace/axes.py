"""Which axes are the batch and which the time: the program is run again with fewer samples and shorter ones, and what follows is named.

Only what follows exactly gets a name. `N` is the first axis of the batch; `T` an axis that something for sequences works along. Where the
program doesn't run with other sizes, or takes another way then, the axes stay numbers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from ...engine.call import split
from ...engine.nested import fresh, mapped, parts, tensors
from ...engine.subject import Subject
from ...instruments.forms import Form
from ...instruments.trace import Trace
from ...instruments.trace.entry import Entry
from . import sequences
from .row import Row


@dataclasses.dataclass(frozen=True)
class Axis:
    """One that is varied: its name, its place in the inputs, its size, and the other size."""

    name: str
    place: int
    size: int
    other: int


def named(rows: Sequence[Row], subject: Subject) -> tuple[Row, ...]:
    """The rows with names for their axes, as far as they can be known."""
    for axes in _tries(subject):
        entries = _entries(subject, axes)
        if not _alike(rows, entries):
            continue
        found = tuple(_row(row, entry, axes) for row, entry in zip(rows, entries, strict=False)) + tuple(rows[len(entries) :])
        if "T" in {axis.name for axis in axes} and not sequences.along("T", found):
            continue  # it can be cut there, but so can a set of points or a row of numbers
        return () if sequences.swapped(found) or sequences.lost(found) else found
    return ()


def _tries(subject: Subject) -> Iterator[tuple[Axis, ...]]:
    """What to vary, the most telling first."""
    batch = subject.batch
    if subject.step is not None or any(isinstance(part, PackedSequence) for part in parts(batch)):
        return
    arguments, keywords, targets = split(subject, batch)
    first = next((t for t in tensors((arguments, keywords)) if t.ndim), None)
    if first is None or first.layout is not torch.strided or 0 in first.shape:
        return
    place = _batch_place(first, [t for t in tensors(targets) if t.ndim == 1])
    samples = Axis("N", place, first.shape[place], _another(first.shape[place]))
    for at in _time_places(first, place):
        yield samples, Axis("T", at, first.shape[at], _another(first.shape[at], samples.other))
    yield (samples,)


def _batch_place(first: Tensor, labels: list[Tensor]) -> int:
    """The first axis, unless there is a label for each place along the second only."""
    second = first.ndim > 1 and any(len(label) == first.shape[1] != first.shape[0] for label in labels)
    return 1 if second else 0


def _time_places(first: Tensor, batch: int) -> list[int]:
    """Where the time could stand: in pictures and volumes nowhere."""
    return [place for place in range(first.ndim) if place != batch and first.shape[place] > 1] if first.ndim in (2, 3) else []


def _another(size: int, taken: int = 0) -> int:
    """Another size, smaller where it can be, and even where this one is."""
    candidates = (4 if size % 4 == 0 and size >= 8 else 0, size // 2 // 2 * 2 if size % 2 == 0 else size - 2, size - 1, 2 * size, 4 * size)
    return next(other for other in candidates if other >= 2 and other not in (size, taken))


def _entries(subject: Subject, axes: tuple[Axis, ...]) -> list[Entry]:
    """What runs when these axes have their other sizes; as far as it runs."""
    trace = Trace(subject.model, flops=False)
    try:
        batch = fresh(mapped(subject.batch, lambda tensor: _resized(tensor, axes)))
        arguments, keywords, targets = split(subject, batch)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.ExitStack() as stack:  # what it prints of such sizes would puzzle
            for context in (torch.no_grad, *subject.around):
                stack.enter_context(context())
            with trace:
                output = subject.model(*arguments, **keywords)
                if subject.loss_fn is not None:
                    subject.loss_fn(output, *targets)
    except Exception:  # a program that needs its sizes: what ran before is compared all the same
        return trace.entries
    return trace.entries


def _resized(tensor: Tensor, axes: tuple[Axis, ...]) -> Tensor:
    for axis in axes:
        square = axis.name == "T" and tensor.shape[-2:] == (axis.size, axis.size)  # a mask of places against places
        for place in (
            (-2, -1) if square else (min(axis.place, tensor.ndim - 1),) if tensor.ndim == 1 and axis.name == "N" else (axis.place,)
        ):
            if tensor.ndim > place and tensor.shape[place] == axis.size:
                times = -(-axis.other // axis.size)
                longer = torch.cat([tensor] * times, place) if times > 1 else tensor
                tensor = longer.narrow(place, 0, axis.other)
    return tensor


def _alike(rows: Sequence[Row], entries: Sequence[Entry]) -> bool:
    """Whether the same calls were made in the whole forward pass, or up to where the program itself breaks."""
    needed = [row for row in rows if row.phase == "forward"]
    return 0 < len(needed) <= len(entries) and all(map(_same, needed, entries))


def _same(row: Row, entry: Entry) -> bool:
    mine, its = (row.kind, row.path, row.depth, len(row.inputs)), (entry.kind, entry.path, entry.depth, len(entry.inputs))
    return mine == its and (row.failed or len(row.outputs) == len(entry.outputs))


def _row(row: Row, entry: Entry, axes: tuple[Axis, ...]) -> Row:
    if not _same(row, entry):
        return row  # in the loss, which may take another way
    inputs = tuple(_form(*pair, axes) for pair in zip(row.inputs, entry.inputs, strict=True))
    outputs = tuple(_form(*pair, axes) for pair in zip(row.outputs, entry.outputs, strict=False))
    return dataclasses.replace(row, inputs=inputs, outputs=outputs)


def _form(form: Form, other: Form, axes: tuple[Axis, ...]) -> Form:
    if len(form.shape) != len(other.shape):
        return form
    names = tuple(_name(*sizes, axes) for sizes in zip(form.shape, other.shape, strict=True))
    return dataclasses.replace(form, names=names) if any(names) else form


def _name(size: int, other: int, axes: tuple[Axis, ...]) -> str:
    """The axis that a size follows, or how many times it is that axis, or the product of both."""
    for axis in axes:
        times = size // axis.size
        if times and (size, other) == (times * axis.size, times * axis.other):
            return axis.name if times == 1 else f"{axis.name}*{times}"
    samples, *others = axes
    both = others and (size, other) == (samples.size * others[0].size, samples.other * others[0].other)
    return f"{samples.name}*{others[0].name}" if both else ""
