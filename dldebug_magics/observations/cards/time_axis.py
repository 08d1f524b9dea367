"""Whether a model that predicts the next step sees it: a later step of one sequence is changed, and earlier outputs must not move.

Only a program that is meant to be causal is looked at: what enters its loss as the target is its own input, one step later, number for
number. Whatever the model is, an output that sees the next input then sees its own answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import forward, loss_of, split
from ...engine.nested import mapped, tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import LOSSES, Calls
from ...instruments.module_outputs import Outputs
from .next_step import Shifted, in_time, next_steps

_STEPWISE = ("Linear", "LayerNorm", "Dropout", "Sequential", "ReLU", "Identity")  # what mixes no steps only hands the leak on
_COUNTS = 1e-3  # of the outputs' spread; rounding is far below


@dataclasses.dataclass(frozen=True)
class TimeCard(Observation):
    """For a model of the next step: the largest change of earlier outputs when step `changed` of `steps` changes, in units of their spread.

    `module` and `layer` (its class) say where the later step comes in first, as far as a module shows it.
    """

    steps: int
    changed: int
    seen: float
    module: str = ""
    layer: str = ""

    @property
    def leaks(self) -> bool:
        """Whether an output moved before the step that was changed."""
        return self.seen > _COUNTS

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[TimeCard]:
        """Nothing for a program that does not predict its own next input; else a few forward passes in evaluation mode."""
        if subject.step is not None:
            return
        seeded(subject.seed)
        with torch.enable_grad(), Calls(LOSSES, subject.model) as calls:
            passed = loss_of(subject)
        targets = [*(call.argument(1, "target") for call in calls.made), *tensors(passed.targets)]
        arguments, keywords, _ = split(subject, subject.batch)
        found = [s for x in tensors((arguments, keywords)) for s in next_steps(x, [t for t in targets if isinstance(t, Tensor)])]
        subject.model.eval()
        clean = _output(subject, subject.batch)
        if not found or not torch.equal(clean, _output(subject, subject.batch)):
            return
        cards = [_card(subject, shifted, step, clean) for shifted in found for step in shifted.steps]
        if any(card is not None for card in cards):
            yield max((card for card in cards if card is not None), key=lambda card: card.seen)


def _card(subject: Subject, shifted: Shifted, step: int, clean: Tensor) -> TimeCard | None:
    """What happens to earlier outputs of the sequence; None where outputs can't be told apart by time, or other sequences move as well."""
    batch = _with_step_changed(subject.batch, shifted, step)
    before, after = in_time(clean, shifted), in_time(_output(subject, batch), shifted)
    if before is None or after is None or before.shape != after.shape:
        return None
    moved = (after - before).abs().float() / (float(before.float().std()) or 1.0)
    own, others = moved[shifted.row], torch.cat([moved[: shifted.row], moved[shifted.row + 1 :]])
    if others.numel() and float(others.max()) > _COUNTS:
        return None
    seen = float(own[: min(step, len(own))].max())
    module = _first_seeing(subject, batch, shifted.length, step) if seen > _COUNTS else ""
    return TimeCard(shifted.length, step, seen, module, type(subject.model.get_submodule(module)).__name__ if module else "")


def _output(subject: Subject, batch: Any) -> Tensor:
    """The largest floating-point output: logits rather than a loss or a state."""
    seeded(subject.seed)
    with torch.enable_grad():
        output, _ = forward(subject, batch)
    return max((t.detach() for t in tensors(output) if t.is_floating_point()), key=Tensor.numel)


def _with_step_changed(batch: Any, shifted: Shifted, step: int) -> Any:
    """The batch with one step of one sequence changed in the input that is predicted; the same values elsewhere are left alone."""
    return mapped(batch, lambda t: shifted.changed_at(step) if t is shifted.tensor else t)


def _first_seeing(subject: Subject, batch: Any, length: int, step: int) -> str:
    """The first module to finish whose output moves before the changed step."""
    with Outputs(subject.model) as clean:
        _output(subject, subject.batch)
    with Outputs(subject.model) as moved:
        _output(subject, batch)
    for (name, before), (_, after) in zip(clean.seen, moved.seen, strict=False):
        if before.shape == after.shape and length in before.shape[-3:]:
            differs = (before - after).abs() > 1e-5 * float(before.abs().max())
            axes = [axis for axis, size in enumerate(before.shape) if size == length]
            if all(differs.narrow(axis, 0, step).any() for axis in axes):
                return "" if type(subject.model.get_submodule(name)).__name__ in _STEPWISE else name
    return ""
