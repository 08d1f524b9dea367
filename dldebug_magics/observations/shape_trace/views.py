"""Calls of view and reshape: the shape that was asked for, and where the batch stands in what is viewed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...cures.mended import mended
from ...engine.evidence import Fix
from ...engine.subject import Subject
from .failure import Failure


def asked_shape(failure: Failure) -> tuple[int, ...]:
    """The shape that the failing call asks for."""
    return asked_of(failure.arguments)


def asked_of(plain: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape in a call's arguments, as a tuple or one by one.

    >>> asked_of({"1": -1, "2": 400}), asked_of({"1": (4, 5)})
    ((-1, 400), (4, 5))
    """
    given = plain.get("1", plain.get("size", plain.get("shape")))
    if isinstance(given, (tuple, list)):
        return tuple(given)
    sizes: list[int] = []
    while isinstance(plain.get(str(len(sizes) + 1)), int):
        sizes.append(plain[str(len(sizes) + 1)])
    return tuple(sizes)


def moved_batch(shape: tuple[int, ...], asked: tuple[int, ...]) -> int:
    """The axis that the view wants in front, where another one stands there; 0 where the first one does.

    >>> moved_batch((9, 4, 8), (4, 72)), moved_batch((4, 9, 8), (4, 72)), moved_batch((9, 4, 8), (-1, 8))
    (1, 0, 0)
    """
    if not asked or asked[0] == shape[0] or asked[0] not in shape[1:]:
        return 0
    return shape.index(asked[0], 1)


def of_view(failure: Failure) -> Iterator[tuple[Fix, Callable[[Subject], Subject]]]:
    """A shape with a number that was worked out by hand, or belongs to another batch: one axis is left to torch."""
    asked, given = asked_shape(failure), failure.inputs[0]
    for place in range(len(asked)):
        rest = math.prod(size for at, size in enumerate(asked) if at != place)
        if rest > 0 and given.numel % rest == 0 and (place > 0 or given.numel // rest == given.shape[0]):
            shape = tuple(-1 if at == place else size for at, size in enumerate(asked))
            yield Fix(f"Let axis {place} be what is left.", f"x.reshape{shape}", f"reshape{shape}"), _viewed(failure.operation, shape)


def _viewed(call: str, shape: tuple[int, ...]) -> Callable[[Subject], Subject]:
    return mended({call}, lambda function, x, *_, **__: x.reshape(shape))
