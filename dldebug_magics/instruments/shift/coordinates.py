"""What the domain classifier and the kernel tests see of a row: coordinates in which a straight line tells many kinds of shift."""

from __future__ import annotations

import dataclasses

import numpy

from .columns import Columns, columns
from .kernels import LANDMARKS, Map, axes, near
from .wholes import wholes

_CLOSE = 0.5  # of the median distance: a new class lies near to itself, and not to what is between classes


@dataclasses.dataclass(frozen=True)
class Coordinates:
    """Learned from rows of both samples without their sides; `parts` are blocks of coordinates, each of variance 1 in all."""

    shown: Columns
    whole: Columns
    parts: tuple[tuple[str, Map, float], ...]  # name, map, and what it is divided by

    def singles(self, rows: numpy.ndarray) -> numpy.ndarray:
        """Rows [n, d] as single features [n, e]: columns, and what a row is as a whole."""
        return numpy.concatenate([self.shown(rows), self.whole(wholes(rows))], axis=1)

    def blocks(self, rows: numpy.ndarray) -> dict[str, numpy.ndarray]:
        """Rows [n, d] as blocks of coordinates [n, r] by name."""
        shown, whole = self.shown(rows), self.whole(wholes(rows))
        found = {name: part(shown) / size for name, part, size in self.parts}
        return found | ({"wholes": whole / whole.shape[1] ** 0.5} if whole.shape[1] else {})

    def __call__(self, rows: numpy.ndarray) -> numpy.ndarray:
        """Rows [n, d] as [n, r], all blocks side by side."""
        return numpy.concatenate(list(self.blocks(rows).values()), axis=1)


def coordinates(rows: numpy.ndarray, generator: numpy.random.Generator, landmarks: int = LANDMARKS) -> Coordinates:
    """Learned from rows [n, d] of both sides; fewer `landmarks` are coarser and cheaper."""
    shown, whole = columns(rows, generator), columns(wholes(rows), generator)
    found = shown(rows)
    plain, spread = axes(found)
    scales = shown.relative
    raw, bent = (near(part, generator, landmarks, _CLOSE) for part in (found * scales, plain(found)))
    white = near(plain(found) / spread, generator, landmarks)
    maps: dict[str, Map] = {
        "axes": lambda x: plain(x) / spread,
        "near, as they are": lambda x: raw(x * scales),
        "near, standardised": lambda x: bent(plain(x)),
        "near, whitened": lambda x: white(plain(x) / spread),
    }
    sizes = {name: max(float(part(found).var(axis=0).sum()), 1e-30) ** 0.5 for name, part in maps.items()}
    return Coordinates(shown, whole, tuple((name, part, sizes[name]) for name, part in maps.items()))
