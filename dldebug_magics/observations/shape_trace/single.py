"""One sample where a batch belongs: who took the model's input for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...cures.batch_shapes import inputs_changed, targets_changed
from ...cures.layers import in_turn
from ...engine.evidence import Fix
from ...engine.subject import Subject
from ...instruments.forms import Form
from .history import inputs_of, is_input, samples, targets_of, unbatched_reader
from .wanted import wanted

if TYPE_CHECKING:
    from . import ShapeTrace

_RECURRENT = frozenset(("LSTM", "GRU", "RNN"))


@dataclasses.dataclass(frozen=True)
class Single:
    """The layer that shows it, the model's input, how many axes are missing in front, and whether it is a sequence."""

    path: str
    words: str
    given: Form
    missing: int = 1
    sequence: bool = False


def single(trace: ShapeTrace) -> Single | None:
    """The sample without a batch axis; None where the input is a batch, as far as can be told."""
    first = next(iter(inputs_of(trace)), None)
    if trace.failure is None or first is None:
        return None
    reader = unbatched_reader(trace)
    if reader is not None:
        sequence, read = reader.kind in _RECURRENT, dataclasses.replace(reader.inputs[0], names=())
        if not sequence and samples(trace) == reader.inputs[0].shape[0] > 1:
            return None  # as many targets as channels: these are samples
        return Single(reader.path, f"{reader.kind} `{reader.path}`", first if len(first.shape) == 1 else read, 1, sequence)
    found = wanted(trace.failure)
    if found is None or found.fits_rank or not is_input(trace, found.given):
        return None
    rank = len(found.given.shape)
    if found.family == "conv" and rank == found.spatial and found.size == 1:
        return Single(found.path, found.words, found.given, 2)
    if found.family == "norm" and rank == 1 and found.given.shape[0] == found.size:
        return Single(found.path, found.words, found.given)
    return None


def in_front(trace: ShapeTrace, found: Single) -> tuple[Fix, Callable[[Subject], Subject]]:
    """The change that puts a batch axis in front of the input, and of the targets that lack one."""
    missing = [target.shape for target in targets_of(trace) if _lacks_batch(target)]
    code = f"x = x{'.unsqueeze(0)' * found.missing}" + ("; y = y.unsqueeze(0)" if missing else "")
    inputs = inputs_changed(lambda tensor: tensor.reshape(*(1,) * found.missing, *tensor.shape), found.given.shape)
    targets = [targets_changed(lambda target: target.unsqueeze(0), shape) for shape in missing]
    return Fix("Put an axis for the batch in front.", code, "a batch axis in front"), in_turn(inputs, *targets)


def _lacks_batch(target: Form) -> bool:
    """A label or mask of one sample; a vector of one label has its batch axis."""
    return not target.shape or target.shape[0] != 1 or (len(target.shape) > 1 and target.dtype.startswith("float"))
