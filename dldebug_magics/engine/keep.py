"""Objects written down and put back: attributes, containers, arrays, closure cells, globals and the user's classes.

Only what did change is written to, so that putting back has no effect on things that a run left alone.
"""

from __future__ import annotations

import types
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

import numpy

from .reach import about, contents, globals_of, namespace

Restore = Callable[[], None]
_LARGE = 2**27  # bytes; a larger array is the user's data: read, not written


def kept(thing: Any) -> Restore:
    """What puts one thing back, though not what it leads to."""
    if isinstance(thing, numpy.ndarray):
        return _array(thing)
    if isinstance(thing, types.CellType):
        return _cell(thing)
    if isinstance(thing, types.FunctionType):
        return _globals(thing)
    if isinstance(thing, type):
        return _class(thing)
    attributes = _attributes(thing)
    if not isinstance(thing, (dict, list, set, deque)):
        return attributes
    items = _mapping(thing) if isinstance(thing, dict) else _collection(thing)

    def restore() -> None:
        items()
        attributes()

    return restore


def _same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _attributes(thing: Any) -> Restore:
    """Its class, its `__dict__` (past any `__setattr__` of its own) and its slots."""
    kind, before, slots = type(thing), namespace(thing), about(type(thing)).slots
    held = getattr(thing, "__dict__", None)
    own = dict(held) if isinstance(held, dict) else {}

    def restore() -> None:
        if type(thing) is not kind:
            object.__setattr__(thing, "__class__", kind)
        if own or isinstance(held, dict):
            _refill(thing.__dict__, own)
        for name in slots:
            if name in before and getattr(thing, name, None) is not before[name]:
                object.__setattr__(thing, name, before[name])
            elif name not in before and hasattr(thing, name):
                object.__delattr__(thing, name)

    return restore


def _refill(held: dict[Any, Any], before: dict[Any, Any]) -> None:
    """Give a dict its old contents in their old order, past what its class may forbid."""
    if not (_same(list(held.keys()), list(before.keys())) and _same(list(held.values()), list(before.values()))):
        plain: Any = OrderedDict if isinstance(held, OrderedDict) else dict
        plain.clear(held)
        for key, value in before.items():
            plain.__setitem__(held, key, value)


def _mapping(held: dict[Any, Any]) -> Restore:
    before = dict(held)
    return lambda: _refill(held, before)


def _collection(held: Any) -> Restore:
    before = list(held)

    def restore() -> None:
        if not _same(list(held), before):
            held.clear()
            (held.update if isinstance(held, set) else held.extend)(before)

    return restore


def _array(array: numpy.ndarray) -> Restore:
    if array.nbytes > _LARGE or not array.flags.writeable:
        return lambda: None
    values = array.copy()

    def restore() -> None:
        if array.tobytes() != values.tobytes():
            array[...] = values

    return restore


def _cell(cell: types.CellType) -> Restore:
    held = contents(cell)

    def restore() -> None:
        if held and not _same(list(contents(cell)), list(held)):
            cell.cell_contents = held[0]

    return restore


def _globals(function: types.FunctionType) -> Restore:
    """What the names in a function were bound to; a name that the run made is taken away again."""
    space, named = function.__globals__, globals_of(function)
    before = {name: space[name] for name in named if name in space}

    def restore() -> None:
        for name in named:
            if name not in before:
                space.pop(name, None)
            elif space.get(name) is not before[name]:
                space[name] = before[name]

    return restore


def _class(kind: type) -> Restore:
    """Attributes of a class of the user's, such as a counter of its instances' calls."""
    before = dict(vars(kind))

    def restore() -> None:
        now = dict(vars(kind))
        for name in now.keys() - before.keys():
            delattr(kind, name)
        for name, value in before.items():
            if now.get(name) is not value and not name.startswith("__"):
                setattr(kind, name, value)

    return restore
