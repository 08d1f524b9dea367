"""One sample where a batch belongs: who took the model's input for it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ...instruments.forms import Form
from .history import inputs_of, is_input, samples, unbatched_reader
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
