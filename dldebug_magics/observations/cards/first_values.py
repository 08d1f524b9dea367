"""Weights that are still as torch made them: uniform within one over the root of their inputs, up to that limit and never beyond.

Training moves the outermost weights over the limit, and every other rule of beginning has another shape; so what is found here was never
trained, whatever is believed of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from torch import nn
from torch.nn.parameter import is_lazy

from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.first_values import at_first

_FEW = 64  # entries, with which a limit can't be told
_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclasses.dataclass(frozen=True)
class FirstValues(Observation):
    """The names of the linear and convolutional weights that were never trained."""

    untrained: tuple[str, ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[FirstValues]:
        """A look at the weights; nothing is run."""
        layers = [(path, module) for path, module in subject.model.named_modules() if isinstance(module, _LAYERS)]
        weights = [(f"{path}.weight".lstrip("."), module.weight) for path, module in layers if not is_lazy(module.weight)]
        yield cls(tuple(name for name, weight in weights if weight.numel() >= _FEW and at_first(weight.detach())))
