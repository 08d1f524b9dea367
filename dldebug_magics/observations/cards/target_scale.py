"""What a regression is to reach: the scale of its targets beside that of the outputs before training."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.edits import Edit
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.input_tensors import input_tensors
from ...instruments.ready_edits import in_data
from .inputs import lone


@dataclasses.dataclass(frozen=True)
class TargetScale(Observation):
    """Mean and deviation of the first real-valued target, the mean size of the outputs, and whether the targets look like counts;
    and the edits that standardise them where the user's data are made.

    Nothing is seen where the targets are classes, or the inputs once more (an autoencoder's), or a few targets are far off the rest.
    """

    mean: float
    std: float
    output: float
    counts: bool
    edits: tuple[Edit, ...] = ()

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[TargetScale]:
        """One forward pass."""
        inputs, targets = input_tensors(subject)
        chosen = next((t for t in targets if t.numel() > 1), None)
        if chosen is None or any(t is chosen for t in inputs) or not bool(torch.isfinite(chosen).all()) or lone(chosen.float()):
            return
        seeded(subject.seed)
        with torch.enable_grad():
            passed = loss_of(subject)
        output = next((t.detach().float() for t in tensors(passed.output) if t.is_floating_point() and t.numel()), None)
        if output is None:
            return
        values = chosen.double()
        whole = bool((values == values.round()).all()) and float(values.min()) >= 0
        mean, std = float(values.mean()), float(values.std(unbiased=False))
        edits = in_data(subject.name("train"), 1, f"({{}} - {mean:.4g}) / {std:.4g}")
        yield cls(mean, std, float(output.abs().mean()), whole, edits)
