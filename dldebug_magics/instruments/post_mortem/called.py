"""What a call was given, read from its frame, and whether that is still what it was given."""

from __future__ import annotations

import dataclasses
import dis
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from ..source_lines import is_users
from .marks import Mark

_BINDS = ("STORE_FAST", "STORE_DEREF", "DELETE_FAST", "DELETE_DEREF")


@dataclasses.dataclass(frozen=True)
class Called:
    """Something that was called: a module or a function, its arguments, and the user's word for it (empty where it has none).

    exact: False where the function assigns to its own parameters, so that they may hold something else by now.
    """

    what: Any
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = dataclasses.field(default_factory=dict)
    name: str = ""
    exact: bool = True


def called(what: Any, mark: Mark) -> Called:
    """What runs in a marked frame, with its arguments; `self` is no argument."""
    code, given = mark.frame.f_code, mark.frame.f_locals
    places = [name for name in code.co_varnames[: code.co_argcount] if name != "self"]
    only_named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    rest, more = _open_ended(code)
    arguments = (*(given.get(name) for name in places), *given.get(rest, ()))
    keywords = {name: given.get(name) for name in only_named} | given.get(more, {})
    return Called(what, arguments, keywords, name_of(what, mark), not rebinds(code, {*places, *only_named, rest, more}))


def _open_ended(code: CodeType) -> tuple[str, str]:
    """The names of `*args` and `**kwargs`, empty where there are none."""
    place = code.co_argcount + code.co_kwonlyargcount
    rest = code.co_varnames[place] if code.co_flags & 0x04 else ""
    more = code.co_varnames[place + bool(rest)] if code.co_flags & 0x08 else ""
    return rest, more


def rebinds(code: CodeType, names: set[str]) -> bool:
    """Whether the function assigns to one of these parameters anywhere."""
    bound = [step.argval for step in dis.get_instructions(code) if step.opname.startswith(_BINDS)]
    return any(names & (set(name) if isinstance(name, tuple) else {name}) for name in bound)


def name_of(what: Any, mark: Mark) -> str:
    """The user's word for something, as the nearest frame outside of the call that has one writes it: `net`, `self.net`, `loss_fn`."""
    return next((name for name, value in named_around(mark) if value is what), "")


def named_around(mark: Mark) -> Iterator[tuple[str, Any]]:
    """All that the user's code around a call can name, the nearest frame first."""
    for frame in mark.around:
        if is_users(frame.f_code.co_filename):
            yield from _named_in(frame)


def _named_in(frame: FrameType) -> Iterator[tuple[str, Any]]:
    """What a frame can name: its variables, the module's, and the attributes of its `self`."""
    for scope in (frame.f_locals, frame.f_globals):
        yield from ((name, value) for name, value in list(scope.items()) if name != "self" and not name.startswith("_"))
    held = getattr(frame.f_locals.get("self"), "__dict__", {})
    yield from ((f"self.{name}", value) for name, value in [*held.items(), *held.get("_modules", {}).items()])
