"""Units that begin alike and stay alike: rows of a weight that are equal now and after a few training steps.

Equal rows alone mean nothing (a last layer that begins at zero, a scale of zero in a residual branch): where different gradients reach them
they part with the first step. Rows that stay equal are one unit, written down many times.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import islice

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ...engine.ambient import seeded
from ...engine.observation import Observation
from ...engine.subject import Subject
from ..overfit_batch.training import Training

_STEPS = 4
_MOST = 0.5  # of the neighbouring units
_SAME = 1e-4  # of the weight's largest entry


@dataclasses.dataclass(frozen=True)
class Alike:
    """A weight whose units began alike: how many units, whether all its entries are one number (else None), whether they stayed alike."""

    name: str
    units: int
    constant: float | None
    stayed: bool


@dataclasses.dataclass(frozen=True)
class UnitCard(Observation):
    """The weights whose units begin alike."""

    alike: tuple[Alike, ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[UnitCard]:
        """A look at every weight, and four training steps where one is suspicious."""
        looked_at = [(p, _row(name, p, subject)) for name, p in subject.model.named_parameters() if _looked_at(p)]
        found = [(p, row) for p, row in looked_at if row is not None]
        if found:
            seeded(subject.seed)
            for _ in islice(Training(subject), _STEPS):
                pass
        yield cls(tuple(dataclasses.replace(row, stayed=p.grad is not None and _equal(_units(row.name, p, subject))) for p, row in found))


def _looked_at(parameter: nn.Parameter) -> bool:
    return not is_lazy(parameter) and parameter.requires_grad and parameter.ndim > 1 and parameter.is_floating_point()


def _row(name: str, parameter: nn.Parameter, subject: Subject) -> Alike | None:
    units = _units(name, parameter, subject)
    if units.shape[0] < 2 or not _equal(units):
        return None
    first = float(units.flatten()[0])
    return Alike(name, units.shape[0], first if bool((units == first).all()) else None, False)


def _units(name: str, parameter: nn.Parameter, subject: Subject) -> Tensor:
    """A row for each unit: the outputs of a layer; the columns of an embedding."""
    owner = subject.model.get_submodule(name.rpartition(".")[0])
    rows = parameter.detach().flatten(1)
    return rows.t() if isinstance(owner, nn.Embedding) else rows


def _equal(units: Tensor) -> bool:
    """Whether most units are as their neighbour: all of a layer's, or those of each gate of a recurrent one."""
    apart = (units[1:] - units[:-1]).abs().amax(1)
    return float((apart <= _SAME * units.abs().max()).float().mean()) > _MOST
