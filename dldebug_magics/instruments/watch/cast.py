"""Who takes part in a watched loop: each model, optimizer, scheduler, loader and scaler has a number, the user's name for it, and facts.

Things are held weakly: a loop that makes a new optimizer in each epoch frees the old ones as it would unwatched.
"""

from __future__ import annotations

import dataclasses
import sys
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Generic, TypeVar

from torch.optim import Optimizer

from ..source_lines import is_users

_MOST = 200  # of a kind that are told apart; a loss made anew for each batch is one and the same

_WRAPPERS = ("accelerate.", "lightning_fabric.wrappers", "lightning.fabric.wrappers")  # what they hold has the user's name for them

T = TypeVar("T")


@dataclasses.dataclass
class Part(Generic[T]):
    """One of the cast. `facts` is plain; `thing` is gone when the user's last reference is."""

    thing: weakref.ref
    name: str
    facts: T
    tries: int = 3  # to find a name: what is being made has none yet


class Cast(Generic[T]):
    """Things of one kind in the order in which they were first seen; `facts` tells what is to be known of each.

    behind: what a wrapper stands for; it has no number of its own.
    """

    def __init__(self, facts: Callable[[Any], T], behind: Callable[[Any], Any] = lambda thing: thing):
        self.facts, self.behind = facts, behind
        self.parts: list[Part[T]] = []
        self.places: dict[int, int] = {}
        self.total = 0

    def number(self, thing: Any, name: str = "") -> int:
        """The thing's place; it gets one when it is seen first, with the name that it has there."""
        place = self.places.get(id(thing))
        if place is not None and (self.parts[place].thing() is thing or place == _MOST - 1):
            part = self.parts[place]
            if not part.name and part.tries:
                part.tries -= 1
                part.name = name_of(thing, sys._getframe(2))
            return place
        inner = self.behind(thing)
        if inner is not thing:
            return self.number(inner, name or name_of(thing, sys._getframe(2)))
        self.total += 1
        place = min(len(self.parts), _MOST - 1)
        if place == len(self.parts):  # a number beyond the most stands for all that come later
            self.parts.append(Part(weakref.ref(thing), name or name_of(thing, sys._getframe(2)), self.facts(thing)))
        self.places[id(thing)] = place
        return place

    def alive(self) -> Iterator[tuple[int, Any]]:
        """The things that still exist, with their numbers."""
        for place, part in enumerate(self.parts):
            thing = part.thing()
            if thing is not None:
                yield place, thing


def stepped_by(optimizer: Any) -> Any:
    """The optimizer that steps: Lightning and accelerate hand out a wrapper, which has it as `optimizer` and shares its groups."""
    inner = getattr(optimizer, "optimizer", None)
    return inner if isinstance(inner, Optimizer) and inner.param_groups is optimizer.param_groups else optimizer


def name_of(thing: Any, frame: FrameType | None) -> str:
    """What the user calls a thing where it is used: a variable, or an attribute of one, in the nearest function of theirs that has it."""
    return next(names_of(thing, frame), "")


def names_of(thing: Any, frame: FrameType | None) -> Iterator[str]:
    """What the user calls a thing in each of their functions that are running, innermost first."""
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            for names in (frame.f_locals, frame.f_globals):
                try:
                    found = _named(thing, names)
                except Exception:  # some object of the user's does not like to be looked at: then this thing goes without a name
                    found = ""
                if found:
                    yield found
        frame = frame.f_back


def _named(thing: Any, names: dict[str, Any]) -> str:
    plain = {name: value for name, value in names.items() if not name.startswith("_")}
    for name, value in plain.items():
        if _is(value, thing):
            return name
    for name, value in plain.items():
        for inner, held in list(getattr(value, "__dict__", {}).items() if not isinstance(value, type(sys)) else ()):
            if _is(held, thing):
                return name if type(value).__module__.startswith(_WRAPPERS) else f"{name}.{inner}"
            if inner == "_modules" and isinstance(held, dict):
                path = next((key for key, part in held.items() if part is thing), None)
                if path is not None:
                    return f"{name}.{path}"
    return ""


def _is(value: Any, thing: Any) -> bool:
    return value is thing or (isinstance(value, Optimizer) and stepped_by(value) is thing)
