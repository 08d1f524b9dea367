"""What a call that mixes samples is: a reduction over the batch axis, or a reshape where a transpose was meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ...instruments.flow import Step

_REDUCTIONS = frozenset(
    "mean sum prod max min amax amin logsumexp norm vector_norm linalg_vector_norm std var median nanmean nansum".split()
)
_STATISTICS = frozenset(("mean", "std", "var"))
_COMBINING = frozenset("sub __sub__ sub_ rsub __rsub__ div __truediv__ true_divide div_".split())
_RESHAPES = frozenset("view reshape flatten unflatten view_as reshape_as".split())
_DIM_AT = {"norm": 2, "vector_norm": 2, "linalg_vector_norm": 2}


def other_axes(step: Step, batch: int) -> Iterator[tuple[int, ...]]:
    """The axes that a reduction over the batch may have meant: another one in the batch's place, all others where it named none.

    Nothing where the call is no reduction over the batch, or there is no other axis.
    """
    shape = step.given[0].shape
    if step.name not in _REDUCTIONS or len(shape) < 2 or not step.made[0].is_floating_point():
        return
    dims = _dims(step, len(shape))
    if dims is None:
        yield tuple(axis for axis in range(len(shape)) if axis != batch)
    elif batch in dims:
        for free in [axis for axis in range(len(shape)) if axis not in dims]:
            yield tuple(sorted(free if axis == batch else axis for axis in dims))


def _dims(step: Step, count: int) -> tuple[int, ...] | None:
    """The axes a reduction names; None where it takes all."""
    at = _DIM_AT.get(step.name, 1)
    named: Any = step.keywords.get("dim", step.keywords.get("axis", step.arguments[at] if len(step.arguments) > at else None))
    if isinstance(named, bool) or not isinstance(named, (int, tuple, list)):
        return None
    return tuple(axis % count for axis in ([named] if isinstance(named, int) else named))


def standardises(step: Step, steps: list[Step]) -> bool:
    """Whether a mean or deviation is taken from, or divides, what it was taken of: batch norm by hand mixes samples on purpose."""
    if step.name not in _STATISTICS:
        return False
    source, result = step.given[0].shape, step.made[0]
    users = [s for s in steps if s.name in _COMBINING and any(t.shape == result.shape and torch.equal(t, result) for t in s.given)]
    return any(source in [t.shape for t in s.given] for s in users)


def order_of(step: Step, batch: int, samples: int) -> Iterator[tuple[int, ...]]:
    """The orders of axes that a reshape may have meant: the batch axis in the place where the target has one."""
    if step.name not in _RESHAPES:
        return
    axes, target = list(range(step.given[0].ndim)), step.made[0].shape
    rest = [axis for axis in axes if axis != batch]
    for place, length in enumerate(target):
        if length == samples:
            order = [*rest[:place], batch, *rest[place:]]
            if order != axes:
                yield tuple(order)
