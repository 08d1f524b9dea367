"""A function of torch's that has no hook of its own, wrapped for the time of a watch and put back as it was."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from .compiled import passed_over

_ABSENT = object()


@contextlib.contextmanager
def wrapped(owner: Any, name: str, around: Callable[[Callable], Callable]) -> Iterator[None]:
    """Within the block `owner.name` is `around(owner.name)`; a class that only inherited the name is left without it again.

    >>> import types
    >>> torch_like = types.SimpleNamespace(step=lambda: 1)
    >>> with wrapped(torch_like, "step", lambda plain: lambda: plain() + 1):
    ...     inside = torch_like.step()
    >>> inside, torch_like.step()
    (2, 1)
    """
    before = vars(owner).get(name, _ABSENT)
    plain = getattr(owner, name)
    setattr(owner, name, passed_over(functools.wraps(plain)(around(plain))))
    try:
        yield
    finally:
        if before is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


def family(kind: type, name: str) -> list[type]:
    """A class and those below it that have a method of this name of their own.

    >>> family(int, "bit_length")
    [<class 'int'>]
    """
    found = [kind] if name in vars(kind) else []
    below: list[type] = kind.__subclasses__()
    for child in below:
        found += family(child, name)
    return list(dict.fromkeys(found))
