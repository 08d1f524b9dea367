"""One answer to "is there a shift?": several tests of inputs, features and outputs, together wrong in 5 % of the cases without one.

Source: S. Rabanser, S. Guennemann, Z. Lipton, "Failing Loudly: An Empirical Study of Methods for Detecting Dataset Shift" (2019) for what
to test; A. Gretton et al., "A Kernel Two-Sample Test" (2012) and M. Eric, F. Bach, Z. Harchaoui, "Testing for Homogeneity with Kernel
Fisher Discriminant Analysis" (2008) for the kernel tests; P. Westfall, S. Young (1993) for the smallest of their p-values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from ...engine.errors import UserMistake
from .columns import alike, thinned
from .coordinates import coordinates
from .kernels import spectrum
from .relabelled import contrast, dealt, surprise, tails, units

LEVEL, DRAWS, MOST = 0.05, 499, 1500
_PENALTIES = {  # of each block of coordinates: what found most on tuning draws, few so that they don't drown each other
    "axes": (numpy.inf,),
    "near, as they are": (numpy.inf, 0.03),
    "near, standardised": (0.03,),
    "near, whitened": (0.03,),
    "wholes": (0.003,),
}


@dataclasses.dataclass(frozen=True)
class Decision:
    """`p` holds for all tests together; `tests`: the name and the p-value of each by itself."""

    p: float
    shifted: bool
    tests: tuple[tuple[str, float], ...]


def decision(
    views_a: Mapping[str, Any],
    views_b: Mapping[str, Any],
    *,
    seed: int,
    groups_a: Sequence[Any] | None = None,
    groups_b: Sequence[Any] | None = None,
) -> Decision:
    """Whether a and b come from one distribution.

    views_a, views_b: what is known of the same samples in the same order: "inputs" [n, ...], "features" [n, ...], "outputs" [n, ...].
    groups_a, groups_b: names of what belongs together [n], [m]. Of more than 1,500 rows a side as many are drawn.
    Features and outputs of samples that the model was trained on differ from those of others without any shift: hold a out.
    """
    generator = numpy.random.default_rng(seed)
    sizes = [len(next(iter(views.values()))) for views in (views_a, views_b)]
    seen = [thinned(size, MOST, generator) for size in sizes]
    unit, _ = units(groups_a, groups_b, *sizes)
    unit = numpy.unique(unit[numpy.concatenate([seen[0], sizes[0] + seen[1]])], return_inverse=True)[1]
    sides = contrast(dealt(unit, len(seen[0]), DRAWS, generator))
    found: dict[str, numpy.ndarray] = {}
    for view in views_a:
        both = alike(views_a[view], views_b[view])
        if [len(side) for side in both] != sizes:
            raise UserMistake(f"`{view}` has {len(both[0])} and {len(both[1])} samples, another view {sizes[0]} and {sizes[1]}")
        rows = numpy.concatenate([side[kept] for side, kept in zip(both, seen, strict=True)])
        found |= {f"{view}: {name}": surprise(values).max(axis=0) for name, values in _tests(rows, sides, generator).items()}
    return _together(found)


def _together(found: Mapping[str, numpy.ndarray]) -> Decision:
    """One decision out of all tests, [draws] each: how surprising the most surprising of them is, among the same of the other draws."""
    every = numpy.stack(list(found.values()))
    each = tails(every)
    p = float(tails(surprise(every).max(axis=0)[None])[0])
    return Decision(p, p < LEVEL, tuple((name, float(value)) for name, value in zip(found, each, strict=True)))


def _tests(rows: numpy.ndarray, sides: numpy.ndarray, generator: numpy.random.Generator) -> dict[str, numpy.ndarray]:
    """Statistics [kinds, draws] of each test; larger is more different."""
    learned = coordinates(rows, generator)
    kernels = [_fisher(block, sides, _PENALTIES[name]) for name, block in learned.blocks(rows).items()]
    return {"kernel": numpy.concatenate(kernels), "single features": _single(learned.singles(rows), sides)}


def _fisher(block: numpy.ndarray, sides: numpy.ndarray, penalties: Sequence[float]) -> numpy.ndarray:
    """The squared difference of the means along each axis, divided by its variance plus a penalty: from the distance to Fisher's test."""
    basis, share = spectrum(block)
    squares = (basis.T @ sides) ** 2
    return numpy.stack([(share / (share + penalty) if numpy.isfinite(penalty) else share) @ squares for penalty in penalties])


def _single(shown: numpy.ndarray, sides: numpy.ndarray) -> numpy.ndarray:
    """The largest difference of any feature, in location, spread, and how often its most frequent value occurs [1, draws]."""
    from scipy import stats

    ranks = stats.rankdata(shown, axis=0) / (len(shown) + 1) - 0.5
    usual = shown == stats.mode(shown, axis=0).mode
    blocks = numpy.concatenate([ranks, ranks**2, usual.astype(float)], axis=1)
    blocks -= blocks.mean(axis=0)
    spread = blocks.std(axis=0)
    blocks = blocks[:, spread > 1e-9] / spread[spread > 1e-9]
    return numpy.abs(blocks.T @ sides).max(axis=0)[None] if blocks.size else numpy.zeros((1, sides.shape[1]))
