"""The gradients of one optimizer, as they stand between its steps."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Iterable

import torch
from torch import Tensor

from . import norms


@dataclasses.dataclass
class Held:
    """`probe` is the small parameter that is glanced at; `mark` is its gradient as the last step left it.

    Of a close look: `chosen`, the parameters that are looked at, and in rows of all their numbers the gradients `before` a pass, what was
    brought since the last step (`fresh`), and the `weights` before it.
    """

    optimizer: weakref.ref
    number: int
    probe: Tensor | None = None
    mark: tuple[int, int] | None = None
    stale: bool = False
    empty: bool = False
    closure: bool = False
    passes: int = 0
    chosen: list[Tensor] = dataclasses.field(default_factory=list)
    before: Tensor | None = None
    fresh: Tensor | None = None
    weights: Tensor | None = None
    look: dict[str, float] = dataclasses.field(default_factory=dict)

    def begin(self, parameters: Iterable[Tensor]) -> None:
        """A pass begins that is looked at."""
        if self.fresh is None:
            self.chosen = norms.some(parameters)
        self.before = norms.gradients(self.chosen)

    def add(self, count: bool) -> int:
        """What the pass has added is fresh; returns to how many parameters it did, if that is to be counted."""
        now, before, self.before = norms.gradients(self.chosen), self.before, None
        if now is None:
            return 0
        added = now if before is None else now - before
        self.fresh = added if self.fresh is None else self.fresh + added
        return norms.reached(self.chosen, added) if count else -1


def probe(parameters: Iterable[Tensor]) -> Tensor | None:
    """The smallest parameter that has a gradient."""
    given = [p for p in parameters if p.grad is not None and p.grad.layout is torch.strided]
    return min(given, key=torch.numel, default=None)


def mark(probe: Tensor | None) -> tuple[int, int] | None:
    """Which gradient a parameter has, and how often it was written to."""
    grad = None if probe is None else probe.grad
    return None if grad is None else (id(grad), grad._version)
