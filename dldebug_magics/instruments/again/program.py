"""What can run again: a cell or a function, as it is or with edits made in its source."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import linecache
import types
from collections.abc import Callable, Iterator
from typing import Any

from ...engine.edits import Edit, corrected
from ...engine.memo import CannotCopy
from ...engine.reach import names_in
from ...engine.world import World


@dataclasses.dataclass(frozen=True)
class Program:
    """A cell, by the `file` under which Python knows its source, and the namespace that it runs in; or a `function` without arguments."""

    space: dict[str, Any]
    file: str = ""
    function: Callable[[], Any] | None = None

    @classmethod
    def of(cls, function: Callable[[], Any]) -> Program:
        """A function, a method, or whatever can be called."""
        plain = inspect.unwrap(getattr(function, "__func__", function))
        return cls(getattr(plain, "__globals__", {}), function=function)

    @property
    def names(self) -> tuple[str, ...]:
        """The names in a cell; a function's are found with it."""
        return names_in(_compiled(_source(self.file), self.file)) if self.function is None else ()

    def world(self) -> World:
        """All that it can reach, as it stands now."""
        return World.of(self.space, self.names, self.function)

    @contextlib.contextmanager
    def starting(self, world: World, edits: tuple[Edit, ...]) -> Iterator[Callable[[], Any]]:
        """What starts it in a world that stands in for its own; the functions that edits change have other code within the block."""
        changed = {file: _changed(file, [e for e in edits if e.spot[0] == file]) for file in {e.spot[0] for e in edits}}
        touched = self.file in changed
        with contextlib.ExitStack() as stack:
            for function in (part for part in world.parts if isinstance(part, types.FunctionType)):
                whole = changed.get(function.__code__.co_filename)
                other = _other(function.__code__, *whole) if whole is not None else None
                if other is not None:
                    touched = True
                    stack.callback(setattr, function, "__code__", function.__code__)
                    function.__code__ = other
            if edits and not touched:
                raise CannotCopy("the change is in lines that ran before, and not again")
            if world.entry is not None:
                yield world.entry
            else:
                code = changed[self.file][1] if self.file in changed else _compiled(_source(self.file), self.file)
                yield lambda: exec(code, world.space)


def _source(file: str) -> str:
    return "".join(linecache.getlines(file))


def _compiled(source: str, file: str) -> types.CodeType:
    return compile(source, file, "exec", dont_inherit=True)


def _changed(file: str, edits: list[Edit]) -> tuple[types.CodeType, types.CodeType]:
    """A file's code before and after its edits."""
    source = _source(file)
    new = corrected(source, edits)
    if new is None:
        raise CannotCopy("the change can't be made in its source for certain")
    return _compiled(source, file), _compiled(new, file)


def _other(code: types.CodeType, before: types.CodeType, after: types.CodeType) -> types.CodeType | None:
    """What a piece of code has become in a changed file; None where it says the same. Places go by names, since lines move."""
    own, new = (code.co_name, code.co_firstlineno), dict(_places(after))
    places = [(old, new.get(place)) for place, old in _places(before) if (old.co_name, old.co_firstlineno) == own]
    if places and all(other is not None and _said(old) == _said(other) for old, other in places):
        return None
    if len(places) != 1 or places[0][1] is None or places[0][1].co_freevars != code.co_freevars:
        raise CannotCopy(f"the change can't be made in `{code.co_name}` for certain")
    return places[0][1]


def _said(code: types.CodeType) -> tuple[Any, ...]:
    """What a piece of code does, wherever it stands."""
    return code.co_code, code.co_names, tuple(_said(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts)


def _places(code: types.CodeType, above: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], types.CodeType]]:
    """Each piece of code in a piece, with its place: the names on the way, and how many of that name stand before it there."""
    seen: dict[str, int] = {}
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            number = seen[inner.co_name] = seen.get(inner.co_name, 0) + 1
            place = (*above, inner.co_name, number)
            yield place, inner
            yield from _places(inner, place)
