"""The gradient on its way back: its size at the result of every multiplication by a weight, read in the loop's own backward passes.

Hooks on the nodes of the graph look and change nothing; they are let go after the pass. Numbers are fetched once it is over, so that no
accelerator has to be waited for in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .chains import Row, chain_of
from .linear import LINEAR, nodes_of, weight_of
from .losses import kind

_HOOKED = 200  # results of a pass that are looked at, and of one weight
_PASSES = 4  # of a step
_NORMAL = torch.finfo(torch.float16).tiny


class Halves(NamedTuple):
    """The gradient in float16 at the `weight` where its `largest` entry is smallest, of those where it is not 0.

    `tiny`: the share of the entries that are not 0 below the smallest normal number, 6.1e-5; `zero`: the share of all that are 0.
    """

    weight: str
    largest: float
    tiny: float
    zero: float


class _Use(NamedTuple):
    number: int
    weight: Tensor
    norms: list[Tensor]
    halves: list[Tensor]


class WayBack:
    """`look` before a backward pass, `told` after it."""

    def __init__(self) -> None:
        self.uses: list[_Use] = []
        self.counts: dict[int, int] = {}
        self.handles: list[Any] = []
        self.left = _PASSES

    def again(self) -> None:
        """Another step begins: its first passes are looked at. A closure may take a thousand."""
        self.left = _PASSES

    def look(self, loss: Any) -> list[Any]:
        """Hooks on the multiplications by weights in the graph of a loss's node; gives its nodes in the order in which they were made."""
        self.let_go()
        self.left -= 1
        nodes = nodes_of(loss) if self.left >= 0 else []
        found: dict[int, list[tuple[Any, Tensor]]] = {}
        for node in nodes:
            weight = weight_of(node) if kind(node) in LINEAR else None
            if weight is not None:
                found.setdefault(id(weight), []).append((node, weight))
        self.counts = {key: len(uses) for key, uses in found.items()}
        for uses in list(found.values())[:_HOOKED]:
            for node, weight in uses[:: max(1, len(uses) // _HOOKED)]:
                use = _Use(node._sequence_nr(), weight, [], [])
                self.handles.append(node.register_prehook(_looking(use)))
                self.uses.append(use)
        return nodes

    def let_go(self) -> None:
        """Take the hooks off."""
        for handle in self.handles:
            handle.remove()
        self.uses, self.handles = [], []

    def told(self, name_of: Callable[[Tensor], str]) -> dict[str, Any]:
        """What a `Backward` tells of the way."""
        uses = sorted((use for use in self.uses if use.norms), key=lambda use: use.number)
        halves = [Halves(name_of(use.weight), *use.halves[0].tolist()) for use in uses if use.halves]
        rows = [(id(use.weight), Row(name_of(use.weight), float(use.norms[0]), self.counts[id(use.weight)])) for use in uses]
        self.let_go()
        again = dict.fromkeys(key for key, row in rows if row.uses > 1)
        chains = [chain_of("time", [row for key, row in rows if key == one]) for one in again]
        chains.append(chain_of("depth", [row for key, row in rows if key not in again]))
        return {
            "chains": tuple(c for c in chains if c is not None),
            "halves": min(halves, key=lambda h: h.largest or math.inf, default=None),
        }


def _looking(use: _Use) -> Callable[[tuple[Tensor | None, ...]], None]:
    def look(given: tuple[Tensor | None, ...]) -> None:
        gradient = given[0] if given else None
        if gradient is None or use.norms or gradient.is_nested or gradient.layout is not torch.strided or not gradient.numel():
            return
        try:
            _read(use, gradient.detach())
        except Exception:  # a kind of tensor that this can't be asked of costs the look, and never the user's pass
            use.norms.clear()

    return look


def _read(use: _Use, values: Tensor) -> None:
    use.norms.append(torch.linalg.vector_norm(values, dtype=torch.float32 if values.is_floating_point() else None))
    if values.dtype is torch.float16:
        sizes, some = values.abs().float(), values != 0
        count = some.sum().clamp(min=1)
        use.halves.append(torch.stack([sizes.max(), ((sizes < _NORMAL) & some).sum() / count, 1 - some.float().mean()]))
