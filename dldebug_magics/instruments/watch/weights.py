"""The weights of a watched loop: whether they changed at all, and whether someone else than the optimizer changed them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from .log import Log


def parameters(owner: Any) -> Iterator[Tensor]:
    """The parameters of a model or an optimizer; none of what is gone."""
    if isinstance(owner, nn.Module):
        yield from owner.parameters()
    elif owner is not None:
        for group in owner.param_groups:
            yield from group["params"]


class Weights:
    """Looks at the smallest parameter of each model and optimizer."""

    def __init__(self, log: Log):
        self.log = log
        self.first: list[tuple[Tensor, Tensor]] = []  # of the models that ran first, and copies
        self.last: dict[int, tuple[Tensor, Tensor]] = {}  # of each optimizer after its last step, where that was looked at closely
        self.smallest: dict[int, Tensor] = {}  # of each optimizer
        self.versions: dict[int, tuple[Tensor, int]] = {}  # how often a parameter had been written to after the last step with it
        self.moved: set[int] = set()

    def before_backward(self) -> None:
        """Take copies before the first pass of all; later see whether the weights are as the last step left them."""
        if not self.first:
            ran = [self.log.models.parts[number].thing() for number in self.log.totals.modes]
            self.first = [(p, p.detach().clone()) for p in map(_smallest, ran) if p is not None]
        if self.log.close:
            self.moved |= {number for number, (now, then) in self.last.items() if not torch.equal(now, then)}

    def after_step(self, number: int, optimizer: Any) -> bool:
        """Whether the weights had been changed by hand since the step before; from here on they count as this step's."""
        moved = number in self.moved
        self.moved.discard(number)
        smallest = self.smallest.get(number)
        if smallest is None or not smallest.requires_grad:
            smallest = _smallest(optimizer)
        if smallest is not None:
            self.smallest[number] = smallest
            self.versions[id(smallest)] = smallest, smallest._version
        if smallest is not None and self.log.close:
            self.last[number] = smallest, smallest.detach().clone()
        elif self.last:
            self.last.pop(number, None)
        return moved

    def stepped(self, number: int) -> None:
        """A step that is not looked at."""
        smallest = self.smallest.get(number)
        if smallest is not None:
            self.versions[id(smallest)] = smallest, smallest._version
        if self.last:
            self.last = {}

    def changed(self) -> bool:
        """Whether the models that ran first have other weights now, whoever changed them."""
        return any(not torch.equal(now, then) for now, then in self.first)

    def changed_by_hand(self, optimizer: Any) -> bool:
        """Whether a parameter that an earlier optimizer had, and this one has, was written to since that one's last step."""
        own = {id(p) for p in parameters(optimizer)}
        return any(id(p) in own and p._version != version for p, version in self.versions.values())


def _smallest(owner: Any) -> Tensor | None:
    """The smallest parameter that is trained."""
    trained = [p for p in parameters(owner) if p.requires_grad and not nn.parameter.is_lazy(p)]
    return min(trained, key=torch.numel, default=None)
