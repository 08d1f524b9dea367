"""The batch as it reaches the model: the scale of each floating-point input, and whether anything in it is not finite."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from ...engine.edits import Edit
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.input_tensors import input_tensors
from ...instruments.ready_edits import in_data

_TINY = 0.05


@dataclasses.dataclass(frozen=True)
class Scale:
    """Range, mean and standard deviation of a tensor; `widest` and `narrowest` are the extreme deviations of single features.

    `lone`: a few samples are ten times as large as all others, and the numbers above are theirs. `edits`: what standardises it where the
    user's data are made.
    """

    shape: tuple[int, ...]
    minimum: float
    maximum: float
    mean: float
    std: float
    widest: float
    narrowest: float
    binary: bool
    lone: bool = False
    edits: tuple[Edit, ...] = ()

    @property
    def reach(self) -> float:
        """The largest number in it, of either sign."""
        return max(abs(self.minimum), abs(self.maximum))

    @property
    def shrunk(self) -> bool:
        """Whether the values lie so close together that a first layer can hardly tell them apart, as after two normalisations."""
        return self.std > 0 and (self.reach < _TINY or (self.std < _TINY / 2 and self.std < 0.1 * abs(self.mean) and self.reach < 10))


@dataclasses.dataclass(frozen=True)
class InputCard(Observation):
    """The scale of every floating-point input, and what is not finite: (`input` or `target`, how many values, of how many)."""

    scales: tuple[Scale, ...]
    not_finite: tuple[tuple[str, int, int], ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[InputCard]:
        """Look at the frozen batch; nothing is run."""
        inputs, targets = input_tensors(subject)
        bad = [_not_finite("input", t) for t in inputs] + [_not_finite("target", t) for t in targets]
        scales = tuple(_scale(t) for t in inputs if t.numel())
        if len(scales) == 1:
            form = f"({{}} - {scales[0].mean:.4g}) / {scales[0].std:.4g}"
            scales = (dataclasses.replace(scales[0], edits=in_data(subject.name("train"), 0, form)),)
        yield cls(scales, tuple(row for row in bad if row[1]))


def _not_finite(role: str, tensor: Tensor) -> tuple[str, int, int]:
    return role, int((~torch.isfinite(tensor)).sum()), tensor.numel()


def _scale(tensor: Tensor) -> Scale:
    values = torch.nan_to_num(tensor.detach().float(), posinf=0.0, neginf=0.0)
    rows = values.movedim(1, -1).reshape(-1, values.shape[1]) if values.ndim > 1 else values.reshape(-1, 1)
    spreads = rows.std(0, unbiased=False)
    varying = spreads[spreads > 0]
    return Scale(
        shape=tuple(values.shape),
        minimum=float(values.min()),
        maximum=float(values.max()),
        mean=float(values.mean()),
        std=float(values.std(unbiased=False)),
        widest=float(varying.max()) if len(varying) else 0.0,
        narrowest=float(varying.min()) if len(varying) else 0.0,
        binary=bool(((values == 0) | (values == 1)).all()),
        lone=lone(values),
    )


def lone(values: Tensor) -> bool:
    """Whether up to a tenth of the samples stand ten times as far from the middle as all the rest.

    >>> lone(torch.tensor([[1.0], [-1.2], [0.7], [900.0]] + [[0.5]] * 16)), lone(torch.linspace(0, 900, 20)[:, None])
    (True, False)
    """
    if values.ndim == 0 or len(values) < 10:
        return False
    rows = values.reshape(len(values), -1)
    sizes = (rows - rows.median(0).values).square().mean(1).sqrt().sort(descending=True).values.tolist()
    return any(one > 10 * next_one > 0 for one, next_one in itertools.pairwise(sizes[: len(sizes) // 10 + 1]))
