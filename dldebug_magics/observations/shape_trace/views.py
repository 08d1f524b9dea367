"""Calls of view and reshape: the shape that was asked for, and where the batch stands in what is viewed."""

from __future__ import annotations

from .failure import Failure


def asked_shape(failure: Failure) -> tuple[int, ...]:
    """The shape in the call's arguments, as a tuple or one by one."""
    plain = failure.arguments
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
