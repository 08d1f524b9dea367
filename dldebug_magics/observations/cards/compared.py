"""Two passes side by side, one of them with the first sample changed: the calls that mix samples, and whether outputs are apart."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import forward
from ...engine.nested import mapped, tensors
from ...engine.subject import Subject
from ...instruments.flow import Flow, Step, changed, mixing
from .samples import with_first_changed


class Compared:
    """Two passes, one with the first sample changed: the calls that mix, and whether the outputs are apart along the first axis."""

    def __init__(self, subject: Subject, samples: int):
        change = mapped(subject.batch, lambda t: with_first_changed(t, 0, samples))
        (one, clean), (other, moved) = _passed(subject, subject.batch), _passed(subject, change)
        masks = [changed(a, b) for a, b in zip(one, other, strict=True) if a.ndim]
        share = masks[0].shape[0] // samples if masks else 0
        self.apart = share > 0 and masks[0].shape[0] == share * samples and not masks[0][share:].any()
        self.steps = clean
        self.mixing = list(mixing(clean, moved, samples))


def _passed(subject: Subject, batch: Any) -> tuple[list[Tensor], list[Step]]:
    seeded(subject.seed)
    with contextlib.ExitStack() as stack:
        for context in subject.around:
            stack.enter_context(context())
        flow = stack.enter_context(Flow(subject.model))
        stack.enter_context(torch.enable_grad())
        output, _ = forward(subject, batch)
    return [t.detach() for t in tensors(output) if t.is_floating_point()], flow.steps
