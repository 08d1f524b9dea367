"""Whether a model is one straight line from input to output: f at the middle of two inputs against the middle of f at both.

In evaluation mode, without the activation that closes the model, and at inputs twice as wide as the batch, so that no bend is missed. With
an activation on the way nothing is said: one that hardly bends, or does not let anything through, is another cause.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import forward
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.batch_inputs import inputs, with_inputs
from ...instruments.calls import ACTIVATIONS, Calls, closing
from ...instruments.signals import Passing, Signals
from ...instruments.source_lines import Line

_WIDE = 2.0  # times the deviation of the batch


@dataclasses.dataclass(frozen=True)
class LinearityCard(Observation):
    """`bend` is the distance from a straight line, in units of the outputs' deviation; `chained` counts the multiplications by a weight
    whose input has passed another one, and `module` and `users_line` are where the first of these is. `narrow`: what passes between them
    has fewer numbers a sample than the inputs or the outputs, which makes it a map of low rank.
    """

    bend: float
    chained: int
    module: str
    users_line: Line
    features: int
    narrow: bool

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[LinearityCard]:
        """Three forward passes in evaluation mode; nothing where not all inputs are real numbers."""
        given = [] if subject.step is not None else inputs(subject)
        if not given or not all(t.is_floating_point() and t.ndim > 1 for t in given):
            return
        subject.model.eval()
        numbers = torch.Generator().manual_seed(subject.seed)
        one, other = ([_drawn(t, numbers) for t in given] for _ in range(2))
        ends = [_output(subject, given, values) for values in (one, other, [(a + b) / 2 for a, b in zip(one, other, strict=True)])]
        if any(end is None for end in ends):
            return
        first, second, middle = (end.double() for end in ends if end is not None)
        spread = float(torch.cat([first, second]).std())
        chained = _chained(subject)
        if chained and spread > 0:
            bend = float((middle - (first + second) / 2).abs().max()) / spread
            ends_of_it = min(sum(t[0].numel() for t in given), first[0].numel())
            narrow = min(passing.entering[0].numel() for passing in chained) < ends_of_it
            yield cls(bend, len(chained), chained[0].module, chained[0].line, given[0][0].numel(), narrow)


def _drawn(like: Tensor, numbers: torch.Generator) -> Tensor:
    """Random values on the batch's scale."""
    drawn = torch.randn(like.shape, generator=numbers).to(like)
    return like.mean() + _WIDE * like.std(unbiased=False) * drawn


def _output(subject: Subject, given: list[Tensor], values: list[Tensor]) -> Tensor | None:
    """What the model makes of these inputs, before its closing activation; None where an activation bends it on the way."""
    by_id = {id(t): value for t, value in zip(given, values, strict=True)}
    changed = with_inputs(subject, lambda t: by_id[id(t)])
    seeded(subject.seed)
    with torch.enable_grad(), Calls(ACTIVATIONS, subject.model) as calls:
        output, _ = forward(changed, changed.batch)
    found = next((t for t in tensors(output) if t.is_floating_point() and t.ndim), None)
    last = None if found is None else closing(found, calls.made)
    if found is None or any(call is not last for call in calls.made):
        return None
    return (found if last is None else last.arguments[0]).detach()


def _chained(subject: Subject) -> list[Passing]:
    seeded(subject.seed)
    with torch.enable_grad(), Signals(subject.model) as signals:
        forward(subject, subject.batch)
    return [passing for passing in signals.passings if passing.entering.requires_grad]
