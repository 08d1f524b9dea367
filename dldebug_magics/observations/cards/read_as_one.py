"""A batch that a layer took for one sample, though nothing was raised: asked only where a loader stacked samples that it drew at random."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from ...engine.call import forward
from ...engine.nested import mapped, tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ..shape_trace import ShapeTrace
from ..shape_trace.history import unbatched_reader
from .samples import stacked_and_shuffled


@dataclasses.dataclass(frozen=True)
class ReadAsOneCard(Observation):
    """path, kind: the layer. shape: what it was given, samples first. said: what torch says to one sample fewer; empty where it runs.

    All of it is empty where no layer did so.
    """

    path: str = ""
    kind: str = ""
    shape: tuple[int, ...] = ()
    said: str = ""

    @property
    def convolves(self) -> bool:
        """Whether samples stand for channels; else they stand for the steps of one sequence."""
        return self.kind.startswith("Conv")

    @classmethod
    def measure(cls, subject: Subject, trace: ShapeTrace) -> Iterator[ReadAsOneCard]:
        """One pass with a sample fewer."""
        reader = unbatched_reader(trace) if trace.passed and subject.step is None and stacked_and_shuffled(subject.train) else None
        count = next((tensor.shape[0] for tensor in tensors(subject.batch) if tensor.ndim), 0)
        if reader is None or count < 3 or reader.inputs[0].shape[0] != count:
            yield cls()
            return
        fewer = mapped(subject.batch, lambda tensor: tensor[:-1] if tensor.ndim and tensor.shape[0] == count else tensor)
        said = ""
        try:
            with torch.no_grad():
                forward(subject, fewer)
        except Exception as error:  # the layer counts samples as channels: that is what is asked
            said = str(error).partition("\n")[0]
        yield cls(reader.path, reader.kind, reader.inputs[0].shape, said)
