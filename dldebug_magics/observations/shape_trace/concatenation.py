"""Two shapes that do not go together in `cat`, and the changes by which they would."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor

from ...cures.pairs import spread
from .joining import Join, Shape, differing, in_the_others_size, longer, swapped


def concatenated(a: Shape, b: Shape, dim: int) -> Iterator[Join]:
    """The changes, the most believable first; `dim` is the axis along which they are joined."""
    yield from _of_one_rank(a, b, dim) if len(a) == len(b) else _of_two_ranks(a, b)


def _of_one_rank(a: Shape, b: Shape, dim: int) -> Iterator[Join]:
    axes = differing(a, b, dim)
    if len(axes) == 1 and 1 in (a[axes[0]], b[axes[0]]):
        yield _repeated(axes[0], len(a), int(b[axes[0]] == 1))
    yield from swapped(a, b)
    if axes and axes[0] >= 2:
        yield in_the_others_size(int(math.prod(a[2:]) > math.prod(b[2:])))
    if axes and axes[0] > 0:  # samples are never cut away
        yield Join("Cut the longer one.", "x = x[:, : y.shape[1]]", "the longer one cut", longer(a, b), _cut_beside(dim))


def _of_two_ranks(a: Shape, b: Shape) -> Iterator[Join]:
    which = int(len(a) > len(b))  # the one with fewer axes
    few, many = sorted((a, b), key=len)
    if all(n == 1 for n in many[len(few) :]):
        yield Join("Drop the axes of size 1.", "x.flatten(1)", "the axes of size 1 dropped", 1 - which, lambda x, like: x.flatten(1))
    elif len(few) == 2 and len(many) == 3 and few[0] == many[0]:
        code, change = "x[:, None].expand(-1, y.shape[1], -1)", partial(spread, axes=1, front=1)
        yield Join("Repeat it for every step.", code, "it repeated for every step", which, change)
    elif len(few) == 2 and few[0] == many[0]:
        code, change = "x[..., None, None].expand(-1, -1, *y.shape[2:])", partial(spread, axes=len(many) - 2, front=2)
        yield Join("Repeat it for every pixel.", code, "it repeated for every pixel", which, change)


def _repeated(axis: int, rank: int, which: int) -> Join:
    sizes = ", ".join(f"y.shape[{axis}]" if place == axis else "-1" for place in range(rank))
    sentence = "Repeat it for every sample." if axis == 0 else "Repeat it along that axis."
    change = lambda x, like: x.expand(*(like.shape[i] if i == axis else -1 for i in range(rank)))  # noqa: E731
    return Join(sentence, f"x.expand({sizes})", "it repeated", which, change)


def _cut_beside(dim: int) -> Callable[[Tensor, Tensor], Tensor]:
    def change(x: Tensor, like: Tensor) -> Tensor:
        for axis in range(x.ndim):
            if axis != dim % x.ndim:
                x = x.narrow(axis, 0, min(x.shape[axis], like.shape[axis]))
        return x

    return change
