"""Axes of size 1 too many: which to drop, so that a layer can read a tensor, or that two tensors agree."""

from __future__ import annotations

import itertools

from .failure import Failure
from .reader import Wanted

_COMPARING = frozenset(
    "binary_cross_entropy binary_cross_entropy_with_logits mse_loss l1_loss smooth_l1_loss huber_loss poisson_nll_loss kl_div".split()
)


def fitting(found: Wanted) -> tuple[int, ...]:
    """The axes of size 1 without which the layer reads the tensor, from the second one on if that will do; nothing where none do."""
    shape = found.given.shape
    single = [axis for axis in range(1, len(shape)) if shape[axis] == 1] + ([0] if shape[0] == 1 else [])
    for count in range(1, len(single) + 1):
        for axes in itertools.combinations(single, count):
            rest = tuple(length for axis, length in enumerate(shape) if axis not in axes)
            if found.ranks and len(rest) == found.ranks[0] and rest[found.axis_in(rest)] == found.size:
                return tuple(sorted(axes))
    return ()


def unlike(failure: Failure) -> bool:
    """Whether a loss compares two tensors of the same numbers in shapes that differ in axes of size 1 only."""
    if failure.operation not in _COMPARING or len(failure.inputs) < 2:
        return False
    one, other = failure.inputs[0].shape, failure.inputs[1].shape
    return one != other and [n for n in one if n != 1] == [n for n in other if n != 1]
