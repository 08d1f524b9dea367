"""Whether the samples of a batch are independent: one sample is changed, and the outputs of the others must not move.

In evaluation mode, because batch norm in training mode mixes samples rightly. Both of the first two
axes are tried: where the outputs are clean along the second, that one is the batch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler, default_collate

from ...engine.ambient import seeded
from ...engine.call import forward
from ...engine.nested import mapped, tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.module_outputs import Outputs

_MARKED = 1e-3  # of the output's spread: a change that counts
_TOLERANCE = 1e-4  # of the output's own spread; batched products differ by rounding


@dataclasses.dataclass(frozen=True)
class SampleCard(Observation):
    """`leak` is the largest change of another sample's output, relative to the outputs' spread; `leaks_to` counts the samples that moved.

    `along_second_axis` is the same for a change along the second axis, None where there is none. `keeps_batch` is False where the output
    has no axis for the samples in front, and `runs` where the model crashes: then nothing else is known.
    """

    samples: int
    leak: float
    leaks_to: int
    along_second_axis: float | None
    from_loader: bool
    where: str
    keeps_batch: bool = True
    runs: bool = True

    @property
    def mixes(self) -> bool:
        """Whether samples move each other, and the batch is not the second axis."""
        return self.leak >= _MARKED and not (self.along_second_axis is not None and self.along_second_axis < _MARKED)

    @property
    def moved(self) -> str:
        """How many others moved, in words."""
        return f"{self.leaks_to} of {self.samples - 1}" if self.keeps_batch and self.runs else "there is no output for each sample"

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[SampleCard]:
        """Three forward passes in evaluation mode."""
        first = next(tensors(subject.batch), None)
        if subject.step is not None or first is None or first.ndim == 0 or first.shape[0] < 3:
            return
        subject.model.eval()
        try:
            subject = _not_square(subject, first.shape[0])
        except Exception:
            yield cls(first.shape[0], 0.0, 0, None, False, "", runs=False)
            raise  # who reads the card knows that it crashed; the report says that nothing was seen
        first = next(tensors(subject.batch))
        clean, again = _outputs(subject, subject.batch), _outputs(subject, subject.batch)
        if clean is None or again is None or not torch.equal(clean, again) or any(map(_mixes_by_design, subject.model.modules())):
            return
        if not clean.numel() or clean.shape[1:2] == clean.shape[:1]:
            return
        if clean.shape[0] != first.shape[0]:
            yield cls(first.shape[0], 0.0, 0, None, False, "", keeps_batch=clean.shape[0] % first.shape[0] == 0)
            return
        leak, count = _leak(subject, clean, axis=0)
        second = (
            _leak(subject, clean, axis=1)[0] if leak and first.ndim > 1 and clean.ndim > 1 and clean.shape[1] == first.shape[1] else None
        )
        whole = getattr(subject.train, "batch_size", None) if hasattr(subject.train, "batch_sampler") else None
        loader = whole is not None and first.shape[0] <= whole
        second = None if stacked_and_shuffled(subject.train) else second
        yield cls(first.shape[0], leak, count, second, loader, _first_leaking(subject) if leak else "")


def _not_square(subject: Subject, count: int) -> Subject:
    """One sample fewer where there are as many outputs as samples: a table of all pairs stays square, a row of classes does not."""
    output = _outputs(subject, subject.batch)
    if output is None or output.shape[:1] != (count,) or output.shape[1:2] != (count,) or count < 4:
        return subject
    return dataclasses.replace(subject, batch=mapped(subject.batch, lambda t: t[:-1] if t.ndim and t.shape[0] == count else t))


def stacked_and_shuffled(data: Any) -> bool:
    """Whether a loader draws samples at random and stacks them as torch does: then the first axis is the batch, and no other."""
    shuffles = isinstance(data, DataLoader) and type(data.sampler) is RandomSampler
    return shuffles and data.collate_fn is default_collate and data.batch_size is not None


def _mixes_by_design(module: nn.Module) -> bool:
    """Batch norm without stored statistics uses the batch's own, in evaluation mode, too."""
    return isinstance(module, nn.modules.batchnorm._BatchNorm) and not module.track_running_stats


def _outputs(subject: Subject, batch: Any) -> Tensor | None:
    seeded(subject.seed)
    with torch.enable_grad():
        output, _ = forward(subject, batch)
    return next((t.detach() for t in tensors(output) if t.is_floating_point() and t.ndim), None)


def _leak(subject: Subject, clean: Tensor, axis: int) -> tuple[float, int]:
    """The largest relative change beside the changed sample, and how many samples it reached."""
    changed = mapped(subject.batch, lambda t: with_first_changed(t, axis, clean.shape[axis]))
    moved = _outputs(subject, changed)
    if moved is None or moved.shape != clean.shape:
        return 0.0, 0
    spread = float(clean.float().std()) or 1.0
    shift = ((moved - clean).abs().float() / spread).movedim(axis, 0)
    others = shift[1:].reshape(shift.shape[0] - 1, -1).amax(1)
    reached = int((others > _TOLERANCE).sum())
    return (float(others.max()) if reached else 0.0), reached


def with_first_changed(tensor: Tensor, axis: int, length: int) -> Tensor:
    """The tensor with its first sample replaced: by another sample, and for real values moved on top of that."""
    if tensor.ndim <= axis or tensor.shape[axis] != length:
        return tensor
    rows = tensor.clone().movedim(axis, 0)
    rows[0] = rows[-1]
    if tensor.is_floating_point():
        rows[0] += tensor.float().std().to(tensor.dtype) + 0.1
    return rows.movedim(0, axis)


def _first_leaking(subject: Subject) -> str:
    """The first module, in the order in which they finish, whose output for the other samples moves."""
    with Outputs(subject.model) as clean:
        _outputs(subject, subject.batch)
    with Outputs(subject.model) as moved:
        _outputs(subject, mapped(subject.batch, lambda t: with_first_changed(t, 0, next(tensors(subject.batch)).shape[0])))
    for (name, before), (_, after) in zip(clean.seen, moved.seen, strict=False):
        if before.shape == after.shape and before.ndim and before.shape[0] > 1 and not torch.allclose(before[1:], after[1:], atol=1e-5):
            return name
    return ""
