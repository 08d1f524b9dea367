"""What the bias of the last layer alone could take off the first loss."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ..overfit_batch import OverfitBatch

_ABOVE = 5.0  # times chance: only a first loss clearly above it is looked into


@dataclasses.dataclass(frozen=True)
class FinalBias(Observation):
    """The last layer with a bias, and how far above the floor the first loss stands: as it is, and with the best bias; chance is 1."""

    module: str
    first: float
    with_best: float

    @classmethod
    def measure(cls, subject: Subject, run: OverfitBatch) -> Iterator[FinalBias]:
        """Some twenty passes that move nothing but that bias; nothing where the first loss is as expected, or its floor is not known."""
        known = run.floor.known and run.floor.chance is not None and run.crash is None and bool(run.losses)
        first = run.floor.excess(run.first, run.first) if known else 0.0
        found = _last_with_bias(subject) if first > _ABOVE else None
        if found is not None:
            path, bias = found
            yield cls(path, first, run.floor.excess(_lowest(subject, bias), run.first))


def _last_with_bias(subject: Subject) -> tuple[str, Tensor] | None:
    """The layer that ran last among those with a bias of their own that learns."""
    ran: list[tuple[str, Tensor]] = []
    handles = [
        module.register_forward_hook(lambda module, *_, path=path: ran.append((path, module.bias)))
        for path, module in subject.model.named_modules()
        if isinstance(getattr(module, "bias", None), nn.Parameter) and not isinstance(module, nn.modules.batchnorm._NormBase)
    ]
    seeded(subject.seed)
    with torch.enable_grad():
        loss_of(subject)
    for handle in handles:
        handle.remove()
    return ran[-1] if ran and ran[-1][1].requires_grad else None


def _lowest(subject: Subject, bias: Tensor) -> float:
    """The lowest loss on the way, as that bias alone is fitted."""
    solver, values = torch.optim.LBFGS([bias], max_iter=20, line_search_fn="strong_wolfe"), []

    def closure() -> Tensor:
        solver.zero_grad()
        seeded(subject.seed)
        loss = loss_of(subject).loss
        loss.backward()
        values.append(float(loss.detach()))
        return loss

    with torch.enable_grad():
        solver.step(closure)
    return min(values)
