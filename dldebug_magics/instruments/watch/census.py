"""The parameters of each model that is trained: which get gradients, which an optimizer holds, and which move.

At close looks the norm of each gradient is taken; the values are held against those before the first backward pass now and then, by a short
word for their contents. Nothing is copied.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch import Tensor, nn

from ..first_values import at_first
from ..source_lines import NOWHERE, Line
from .batch_norms import BatchNorms
from .compiled import is_compiled
from .contents import content_of
from .norms import norm
from .unread import unread

_MOST = 2000  # parameters of a model
_MODELS = 20
_FEW = 64  # entries, with which it can't be told whether a weight was ever trained


@dataclasses.dataclass
class Weight:
    """A parameter. Before its first backward pass: `trainable`, `untrained` (as torch makes it), and its norm, the `size`.

    `gradients`: norms of its gradient behind the passes that were looked at, of which `missing` brought none. `held`: an optimizer
    steps it. `moved`: it has changed since. `thawed`: it could be trained later. `unread`: an attribute that looks like a freeze, and
    that torch does not read. `ran`: the line that called its module, where that was looked for and seen. `rate`: the highest that an
    optimizer stepped it with.
    """

    name: str
    shape: tuple[int, ...]
    trainable: bool
    untrained: bool
    size: float
    unread: str = ""
    gradients: list[float] = dataclasses.field(default_factory=list)
    missing: int = 0
    held: bool = False
    moved: bool = False
    thawed: bool = False
    ran: Line = NOWHERE
    rate: float = 0.0


class Census:
    """`of[model]` are a model's weights; `strangers[optimizer]` the shapes of what it steps that no model here has, and no pass reaches."""

    def __init__(self) -> None:
        self.of: dict[int, list[Weight]] = {}
        self.known: dict[int, tuple[weakref.ref, Weight, int]] = {}  # by identity, with the word for what it held at first
        self.strangers: dict[int, tuple[tuple[int, ...], ...]] = {}
        self.norms, self.compiled = BatchNorms(), False

    def meet(self, number: int, model: Any) -> None:
        """A model that is about to be trained."""
        if number in self.of or len(self.of) >= _MODELS or not isinstance(model, nn.Module):
            return
        named = [(name, p) for name, p in model.named_parameters() if not nn.parameter.is_lazy(p)][:_MOST]
        frozen = dict(unread(model))
        self.of[number] = [self._weight(name, p, frozen.get(name, "")) for name, p in named]
        self.norms.meet(number, model)
        self.compiled = self.compiled or any(map(is_compiled, model.modules()))

    def _weight(self, name: str, p: Tensor, unread: str) -> Weight:
        if id(p) in self.known and self.known[id(p)][0]() is p:
            return self.known[id(p)][1]
        fresh = p.ndim > 1 and p.numel() >= _FEW and p.is_floating_point() and at_first(p.detach())
        weight = Weight(name, tuple(p.shape), p.requires_grad, fresh, float(p.detach().float().norm()), unread)
        self.known[id(p)] = weakref.ref(p), weight, content_of([p])
        return weight

    def passed(self) -> None:
        """A backward pass is over."""
        for p, weight, _ in self.alive():
            weight.thawed = weight.thawed or p.requires_grad
            if (gradient := p.grad) is None:
                weight.missing += 1
            elif gradient.layout == p.layout:
                weight.gradients.append(float(norm(gradient)))

    def stepped(self, number: int, groups: Iterable[dict[str, Any]], compare: bool) -> None:
        """An optimizer has stepped these."""
        strangers = []
        for p, rate in ((p, abs(float(group.get("lr", 1.0)))) for group in groups for p in group["params"]):
            seen = self.known.get(id(p))
            if seen is not None and seen[0]() is p:
                seen[1].held, seen[1].rate = True, max(seen[1].rate, rate)
            elif p.grad is None and p.requires_grad:
                strangers.append(tuple(p.shape))
        before = self.strangers.get(number)
        self.strangers[number] = tuple(strangers) if before is None or len(strangers) < len(before) else before
        if compare:
            self.compare()

    def compare(self) -> None:
        """Which have other values than at first?"""
        for p, weight, word in self.alive():
            weight.moved = weight.moved or content_of([p]) != word
            weight.thawed = weight.thawed or p.requires_grad

    def weights(self) -> list[Tensor]:
        """All that are known and alive."""
        return [p for p, *_ in self.alive()]

    def calls(self, module: nn.Module, here: Callable[[], Line]) -> None:
        """A part of a model runs."""
        for p in module._parameters.values():
            seen = self.known.get(id(p))
            if seen is not None and seen[0]() is p and not seen[1].ran.place:
                seen[1].ran = here()

    def wonders(self) -> bool:
        """Whether an optimizer steps a parameter that has no gradient, or one of zeros, so that it is to be known if its module runs.

        Never of a compiled model, which would be compiled again.
        """
        return not self.compiled and any(w.held and not any(w.gradients) for _, w, _ in self.alive())

    def name_of(self, p: Tensor) -> str:
        """What a parameter is called in its model."""
        seen = self.known.get(id(p))
        return seen[1].name if seen is not None and seen[0]() is p else ""

    def alive(self) -> Iterator[tuple[Tensor, Weight, int]]:
        """Each parameter that still exists, what is known of it, and the word for what it held at first."""
        for reference, weight, word in list(self.known.values()):
            p = reference()
            if p is not None:
                yield p, weight, word
