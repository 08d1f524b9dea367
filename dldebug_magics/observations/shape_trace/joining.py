"""Two shapes that do not go together, and the changes by which they would: which of the two, how it is written, and the change itself."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

from torch import Tensor

from ...cures.pairs import cut, filled, in_size, mapped_to, projected

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Join:
    """sentence: the change; code: with `x` for the tensor that is changed and `y` for the other; changed: 0 the first, 1 the other."""

    sentence: str
    code: str
    done: str
    changed: int
    change: Callable[[Tensor, Tensor], Tensor]


def differing(a: Shape, b: Shape, free: int | None = None) -> list[int]:
    """The axes of two shapes of equally many axes that neither agree nor broadcast; `free` is the axis along which they are joined."""
    return [i for i, (m, n) in enumerate(zip(a, b, strict=True)) if m != n and (free is not None or 1 not in (m, n)) and i != free]


def elementwise(a: Shape, b: Shape, maps: bool) -> Iterator[Join]:
    """For a sum, a product, a comparison. maps: whether axis 1 holds channels, as behind a convolution."""
    yield from _fewer_axes(a, b)
    if len(a) != len(b):
        return
    axes = differing(a, b)
    yield from swapped(a, b)
    smaller = int(math.prod(a[2:]) > math.prod(b[2:]) or (a[2:] == b[2:] and a[1:] > b[1:]))
    if axes and axes[0] >= 2 and maps:
        yield in_the_others_size(smaller)
    elif 1 in axes and maps and len(a) in (3, 4):
        yield _shortcut(a, b)
    elif axes == [len(a) - 1] and axes != [0]:
        yield Join(
            "Map one of them to the other's features.",
            f"nn.Linear({(a, b)[smaller][-1]}, {(a, b)[1 - smaller][-1]})(x)",
            "a linear layer in between",
            smaller,
            mapped_to,
        )
    elif axes and axes[0] > 0:  # samples are never cut away
        yield Join("Cut the longer one.", "x = x[:, : y.shape[1]]", "the longer one cut", longer(a, b), cut)


def stacked(a: Shape, b: Shape) -> Iterator[Join]:
    """For `stack`, which wants one shape."""
    if len(a) == len(b) and a[:1] == b[:1]:
        yield from swapped(a, b)
        yield Join("Fill the smaller up with zeros.", "F.pad(x, ...)", "both of one size", int(math.prod(a) > math.prod(b)), filled)


def _fewer_axes(a: Shape, b: Shape) -> Iterator[Join]:
    """One has the first axes of the other: it wants axes of size 1 behind them."""
    for changed, (x, like) in enumerate(((a, b), (b, a))):
        if len(x) < len(like) and x == like[: len(x)]:
            yield _behind(len(like) - len(x), changed)


def _behind(missing: int, changed: int) -> Join:
    done = f"{missing} {'axes' if missing > 1 else 'axis'} of size 1 behind its own"
    code = "x.unsqueeze(-1)" if missing == 1 else f"x[(...,) + (None,) * {missing}]"
    return Join("Give it axes of size 1 at the end.", code, done, changed, lambda x, like: x.reshape(*x.shape, *(1,) * missing))


def swapped(a: Shape, b: Shape) -> Iterator[Join]:
    """Two axes behind the batch changed places."""
    if a[:1] != b[:1] or sorted(a) != sorted(b):
        return
    axes = [i for i, (m, n) in enumerate(zip(a, b, strict=True)) if m != n]
    if len(axes) == 2:
        i, j = axes
        yield Join("Exchange the two axes.", f"x.transpose({i}, {j})", f"axes {i} and {j} exchanged", 1, lambda x, _: x.transpose(i, j))


def in_the_others_size(smaller: int) -> Join:
    """Maps of another size."""
    return Join("Bring it to the other's size.", "F.interpolate(x, size=y.shape[2:])", "it brought to the other's size", smaller, in_size)


def _shortcut(a: Shape, b: Shape) -> Join:
    """A residual sum: the shortcut is the larger map, or that of fewer channels."""
    which = int(math.prod(b[2:]) > math.prod(a[2:]) or (a[2:] == b[2:] and b[1] < a[1]))
    mine, its = (a, b)[which], (a, b)[1 - which]
    stride = f", stride={math.ceil(mine[2] / its[2])}" if mine[2] > its[2] else ""
    code = f"nn.Conv{len(a) - 2}d({mine[1]}, {its[1]}, 1{stride})(x)   # built in __init__"
    return Join("Give the shortcut the shape of the other branch.", code, "a 1 x 1 convolution in the shortcut", which, projected)


def longer(a: Shape, b: Shape) -> int:
    """Which of the two has more numbers."""
    return int(math.prod(b) > math.prod(a))
