"""The gradients of the user's own `torch.autograd.Function`s, each held against finite differences of its own forward pass, in float64.

Both are asked for the slope in a few random directions, a little away from the very numbers of the batch, which may lie on a kink. What
is not smooth there, what is flat (a rounding under a straight-through gradient) and what hands its input on (a reversed, scaled or clipped
gradient) has a backward of its own on purpose.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.custom_functions import Kind, arguments_of, custom_functions
from ...instruments.slopes import Slope, hands_on, slopes
from ...instruments.source_lines import place

_DIRECTIONS, _MORE, _MOST = 8, 64, 1_000_000
_HALF = 0.5  # of what they are: how far the two must disagree, taken together
_PERHAPS = 0.3  # in a few directions that much asks for more of them
_MOSTLY = 0.75  # of the directions: a kink is met now and then, a step everywhere


@dataclasses.dataclass(frozen=True)
class WrongGradient:
    """One function: its name and place, which argument, the slopes along one direction by `backward` and by finite differences.

    `alike` is the cosine between the two over many directions: 1 for a right gradient, near 0 for one that has nothing to do with it.
    """

    name: str
    where: str
    argument: int
    backward: float
    measured: float
    alike: float


@dataclasses.dataclass(frozen=True)
class CustomGradients(Observation):
    """Every function of the user's own whose backward disagrees with its forward."""

    wrong: tuple[WrongGradient, ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[CustomGradients]:
        """Two forward passes, and a few calls of each function by itself."""
        seeded(subject.seed)
        with torch.enable_grad():
            kinds = custom_functions(loss_of(subject).loss)
            if not kinds:
                return
            seeded(subject.seed)
            with arguments_of(kinds) as seen:
                loss_of(subject)
            yield cls(tuple(found for kind, given in seen.items() for found in [_compared(kind, given, subject.seed)] if found))


def _compared(kind: Kind, given: tuple[Any, ...], seed: int) -> WrongGradient | None:
    """The slopes of the first argument for which they disagree; None where they agree, or can't be or should not be compared."""
    generator = torch.Generator().manual_seed(0)
    if sum(t.numel() for t in given if isinstance(t, Tensor)) > _MOST:
        return None
    inputs = tuple(_near(a, generator) if isinstance(a, Tensor) and a.is_floating_point() else a for a in given)
    asked = [i for i, a in enumerate(inputs) if isinstance(a, Tensor) and a.requires_grad]
    try:
        found = [_disagreement(kind, inputs, i, seed) for i in asked]
    except Exception:  # it does not take float64, or is not to be called twice: nothing is known about it
        return None
    if any(row is None for row in found):
        return None  # it replaces a gradient on purpose
    code = kind.backward.__code__ if hasattr(kind.backward, "__code__") else kind.forward.__code__
    at = place(code.co_filename, code.co_firstlineno)
    return next((WrongGradient(kind.__name__, at, i, *row) for i, row in zip(asked, found, strict=True) if row), None)


def _near(tensor: Tensor, generator: torch.Generator) -> Tensor:
    """The same numbers in float64, each moved by about a thousandth of their mean size."""
    exact = tensor.detach().double()
    noise = torch.randn(exact.shape, generator=generator, dtype=torch.float64).to(exact.device)
    return (exact + 1e-3 * (exact.abs().mean() + 1e-3) * noise).requires_grad_(tensor.requires_grad)


def _disagreement(kind: Kind, inputs: tuple, number: int, seed: int) -> tuple[float, ...] | None:
    """(slope by backward, slope measured, cosine) where they disagree; empty where they agree; None where that is meant."""
    if hands_on(kind, inputs, number, seed):
        return None
    found = [slopes(kind, inputs, number, (seed, direction)) for direction in range(_DIRECTIONS)]
    if any(not row.backward for row in found):
        return ()
    smooth = [row for row in found if row.smooth]
    if len(smooth) < _MOSTLY * len(found) or any(abs(row.measured) < 1e-6 * abs(row.backward) for row in smooth):
        return None
    if not _all_apart(smooth) and _apart(smooth) < _PERHAPS:
        return ()
    more = [slopes(kind, inputs, number, (seed, direction)) for direction in range(_MORE)]
    if not _all_apart(smooth) and _apart(more) < _HALF:
        return ()
    together = sum(row.backward * row.measured for row in more)
    return found[0].backward, found[0].measured, together / (_size(row.backward for row in more) * _size(row.measured for row in more))


def _all_apart(found: list[Slope]) -> bool:
    """Whether the two disagree in every direction."""
    return all(abs(row.backward - row.measured) > 0.1 * (abs(row.backward) + abs(row.measured)) for row in found)


def _apart(found: list[Slope]) -> float:
    """How far the two disagree, taken together: 0 where they are equal, 1 where opposite, 0.7 where they have nothing in common."""
    sizes = _size(row.backward for row in found) + _size(row.measured for row in found)
    return _size(row.backward - row.measured for row in found) / sizes


def _size(numbers: Iterable[float]) -> float:
    return math.hypot(*numbers)
