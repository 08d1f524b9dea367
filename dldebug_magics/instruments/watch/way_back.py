"""The gradient on its way back: its size at the result of every multiplication by a weight, read in the loop's own backward passes.

Hooks on the nodes of the graph look and change nothing; they are let go after the pass. Numbers are fetched once it is over, so that no
accelerator has to be waited for in between.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .linear import LINEAR, weight_of
from .losses import kind

_HOOKED = 200  # results of a pass that are looked at, and of one weight
_NORMAL = torch.finfo(torch.float16).tiny


class Chain(NamedTuple):
    """Multiplications one behind the other: by one weight again and again (`over` "time"), or by one weight after the other ("depth").

    `first`, `last`, `largest`: norms of the gradient at the result that was made first, last, and where it is largest, at `weight`.
    `uses`: how many there were. `leap`: the largest share of the growth (as a logarithm) that came in a single one.
    """

    over: str
    weight: str
    uses: int
    first: float
    last: float
    largest: float
    leap: float

    @property
    def growth(self) -> float:
        """How much larger the gradient became on its way back."""
        return self.largest / self.last

    @property
    def left(self) -> float:
        """What was left of it in the end."""
        return self.first / self.last


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


class _Row(NamedTuple):
    weight: str
    norm: float
    uses: int


class WayBack:
    """`look` before a backward pass, `told` after it."""

    def __init__(self) -> None:
        self.uses: list[_Use] = []
        self.counts: dict[int, int] = {}
        self.handles: list[Any] = []

    def look(self, nodes: Iterable[Any]) -> None:
        """Hooks on the graph's multiplications by weights, given in the order in which they were made."""
        self.let_go()
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

    def let_go(self) -> None:
        """Take the hooks off."""
        for handle in self.handles:
            handle.remove()
        self.uses, self.handles = [], []

    def told(self, name_of: Callable[[Tensor], str]) -> dict[str, Any]:
        """What a `Backward` tells of the way."""
        uses = sorted((use for use in self.uses if use.norms), key=lambda use: use.number)
        halves = [Halves(name_of(use.weight), *use.halves[0].tolist()) for use in uses if use.halves]
        rows = [(id(use.weight), _Row(name_of(use.weight), float(use.norms[0]), self.counts[id(use.weight)])) for use in uses]
        self.let_go()
        again = dict.fromkeys(key for key, row in rows if row.uses > 1)
        chains = [_chain("time", [row for key, row in rows if key == one]) for one in again]
        chains.append(_chain("depth", [row for key, row in rows if key not in again]))
        return {
            "chains": tuple(c for c in chains if c is not None),
            "halves": min(halves, key=lambda h: h.largest or math.inf, default=None),
        }


def _looking(use: _Use) -> Callable[[tuple[Tensor | None, ...]], None]:
    def look(given: tuple[Tensor | None, ...]) -> None:
        gradient = given[0] if given else None
        if gradient is None or use.norms or gradient.layout is not torch.strided or not gradient.numel():
            return
        values = gradient.detach()
        use.norms.append(torch.linalg.vector_norm(values, dtype=torch.float32 if not values.is_complex() else None))
        if values.dtype is torch.float16:
            sizes, some = values.abs().float(), values != 0
            count = some.sum().clamp(min=1)
            use.halves.append(torch.stack([sizes.max(), ((sizes < _NORMAL) & some).sum() / count, 1 - some.float().mean()]))

    return look


def _chain(over: str, rows: list[_Row]) -> Chain | None:
    """From the results in the order of the forward pass; None where there is no way, or nothing came."""
    if len(rows) < 2 or not rows[-1].norm > 0 or not all(math.isfinite(row.norm) for row in rows):
        return None
    largest = max(rows, key=lambda row: row.norm)
    logs = [math.log(row.norm) for row in rows[rows.index(largest) :] if row.norm > 0]
    leap = max((before - after for before, after in itertools.pairwise(logs)), default=0.0)
    leap = leap / (logs[0] - logs[-1]) if logs[0] > logs[-1] else 1.0
    return Chain(over, largest.weight, max(rows[0].uses, len(rows)), rows[0].norm, rows[-1].norm, largest.norm, leap)
