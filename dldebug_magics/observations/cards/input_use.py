"""Whether the model's outputs depend on its inputs at all, and whether the inputs differ between samples.

A model whose last layer begins at zero ignores its input at first; so it is looked at again after some training steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import forward, split
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.batch_inputs import inputs, with_inputs
from ..overfit_batch.training import Training

_STEPS = 10


@dataclasses.dataclass(frozen=True)
class InputUse(Observation):
    """`ignored`: outputs are bit for bit the same for other inputs, before and after some training. `all_same`: every sample's input is.

    `zeroed` counts the samples whose inputs are all 0, `constant` is the one value that all inputs have (None where there are several),
    and `targets_differ` says whether the samples are to be told apart.
    """

    samples: int
    ignored: bool
    all_same: bool
    zeroed: int
    constant: float | None
    targets_differ: bool
    zeroed_differ: bool

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[InputUse]:
        """Two forward passes in evaluation mode; some training steps and two more where these agree."""
        given = [] if subject.step is not None else [t for t in inputs(subject) if t.ndim]
        if not given or min(t.shape[0] for t in given) != max(t.shape[0] for t in given) or given[0].shape[0] < 3:
            return
        count = given[0].shape[0]
        rows = torch.cat([t.reshape(count, -1).double() for t in given if not t.is_complex() and t.numel()], dim=1)
        targets = [t for t in tensors(split(subject, subject.batch)[2]) if t.ndim and t.shape[0] == count]
        zero = (rows == 0).all(1) & torch.tensor(any(t.is_floating_point() for t in given)).to(rows.device)
        yield cls(
            samples=count,
            ignored=_ignores(subject) and _ignores(_trained(subject)),
            all_same=bool((rows == rows[:1]).all()),
            zeroed=int(zero.sum()),
            constant=float(rows[0, 0]) if bool((rows == rows[0, 0]).all()) else None,
            targets_differ=any(_differ(t) for t in targets),
            zeroed_differ=any(_differ(t[zero.to(t.device)]) for t in targets),
        )


def _differ(target: Tensor) -> bool:
    return bool((target != target[:1]).any())


def _ignores(subject: Subject) -> bool:
    """Whether all outputs stay the same, to the bit, for inputs that go to other samples and are moved besides."""
    subject.model.eval()
    before, after = _outputs(subject), _outputs(with_inputs(subject, _other))
    compared = [(a, b) for a, b in zip(before, after, strict=False) if a.shape == b.shape]
    return bool(compared) and len(before) == len(after) == len(compared) and all(torch.equal(a, b) for a, b in compared)


def _other(tensor: Tensor) -> Tensor:
    if not tensor.ndim:
        return tensor
    turned = tensor.roll(1, 0)
    return 1.5 * turned + tensor.float().std().to(tensor.dtype) + 0.5 if tensor.is_floating_point() else turned


def _outputs(subject: Subject) -> list[Tensor]:
    seeded(subject.seed)
    with torch.enable_grad():
        output, _ = forward(subject, subject.batch)
    return [t.detach() for t in tensors(output) if t.is_floating_point() and t.ndim]


def _trained(subject: Subject) -> Subject:
    subject.model.train()
    seeded(subject.seed)
    for _ in islice(Training(subject), _STEPS):
        pass
    return subject
